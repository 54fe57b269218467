// A loop for programs that have none: it services clients and servers until a condition holds, and
// sleeps while there is nothing to do.
//
//   Loop loop;
//   Client client({.timeout = 5s, .host = "example.org", .port = 7});
//   loop.add(client);
//   client.tx("hello\n");
//   const bool answered = loop.until([&] { return !client.rxbs().empty(); }, 10s);
//
// A client alone, without a Doist, can be waited for in the same way:
//   client.attach(&poller);
//   each turn: poller.wait(until client.deadline(), or for poller.fd() in a foreign loop);
//              client.service();
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "hio/base/doing.hpp"
#include "hio/base/pacer.hpp"
#include "hio/core/tcp/clienting.hpp"
#include "hio/core/tcp/serving.hpp"
#include "hio/export.hpp"
#include "hio/net/poller.hpp"

namespace hio::core::tcp {

// A Doist in real time with a poller of the kernel's. Belongs to one thread; other threads post to
// doist().poster().
class HIO_EXPORT Loop {
 public:
  // Throws std::system_error when no poller can be made.
  explicit Loop(net::PollerOptions options = {});
  // Leaves clients and servers as they are, connected or not; some may have been destroyed since
  // the last until(). Doers that were added to doist() are closed.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Its time, in which clients and servers are wound when they are added.
  base::Tymth tymth() const noexcept { return doist_.tymen(); }
  net::Poller& poller() noexcept { return *poller_; }
  // It has been entered, and is to stay so; doers can be added, such as coroutines.
  base::Doist& doist() noexcept { return doist_; }

  // Opens it and services it from now on. Adding one that is there does nothing. Remove it before
  // it is destroyed, if until() will be called after that.
  void add(Client& client);
  void add(Server& server);
  // Closes it, and services it no longer. Nothing for one that was not added. Also from inside
  // until(), by a doer.
  void remove(Client& client);
  void remove(Server& server);

  // Services all until the condition holds: true. It is looked at before the first cycle and after
  // each one; what else makes it true has to wake the poller. False when the limit has passed
  // before: 0 or less is one cycle without waiting; or when doist() was stopped. Throws
  // std::invalid_argument for no condition, std::logic_error from inside a doer or a condition,
  // what a doer, a posted function or the condition throws. Can be called again in each case.
  bool until(const std::function<bool()>& condition, base::Tyme limit = base::Forever);

 private:
  class Member;

  template <class T>
  void addMember(T& serviced);
  void removeMember(const void* serviced);

  std::unique_ptr<net::Poller> poller_;
  net::PollerPacer pacer_;
  base::Doist doist_;
  std::vector<std::shared_ptr<Member>> members_;
  bool looking_ = false;  // in until()
};

}  // namespace hio::core::tcp
