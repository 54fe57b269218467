// The workloads, and the main function of every contender. Usage:
//   CONTENDER WORKLOAD port=FIRST [key=value...]
// prints one line of JSON: what the steady part of the workload took of this process.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "channel.hpp"
#include "contender.hpp"
#include "protocol.hpp"

namespace bench {
namespace {

constexpr std::size_t MessageSize = 64;
constexpr std::size_t AtOnce = 64;  // connections that are being opened
constexpr std::size_t Hosts = 200;
constexpr std::size_t Spare = 100;  // descriptors, of this process and the server, for the rest

class Workload {
 public:
  Workload(Contender& contender, const Options& options)
      : contender_(contender),
        first_(static_cast<int>(options.number("port", 0))),
        tls_(options.number("tls", 0) != 0),
        open_(std::min(static_cast<std::size_t>(options.number("open", 1)),
                       raiseDescriptors() - Spare)),
        count_(static_cast<std::uint64_t>(options.number("count", 1000))) {}
  virtual ~Workload() = default;

  void run() {
    memoryBefore_ = memory();
    begin();
    contender_.run();
    std::printf(
        "{\"wall\": %.6f, \"cpu\": %.6f, \"operations\": %llu, \"bytes\": %llu, "
        "\"peak_kib\": %ld, \"held_kib\": %ld}\n",
        taken_.wall, taken_.cpu, static_cast<unsigned long long>(operations_),
        static_cast<unsigned long long>(bytes_), peakMemory(), memoryOpen_ - memoryBefore_);
  }

 protected:
  virtual void begin() = 0;

  void connect(Session& session, Mode mode, std::size_t number) {
    // Local ports are few for each address, and closed ones are not free at once.
    contender_.connect(session, {"127.0.0." + std::to_string(1 + number % Hosts),
                                 static_cast<std::uint16_t>(portOf(first_, mode, tls_))});
  }
  void start() {
    memoryOpen_ = memory();
    meter_.start();
  }
  void finish(std::uint64_t operations, std::uint64_t bytes) {
    taken_ = meter_.read();
    operations_ = operations;
    bytes_ = bytes;
    contender_.stop();
  }
  std::size_t open() const { return open_; }
  std::uint64_t count() const { return count_; }

 private:
  Contender& contender_;
  const int first_;
  const bool tls_;
  const std::size_t open_;
  const std::uint64_t count_;
  Meter meter_;
  Meter::Reading taken_;
  std::uint64_t operations_ = 0;
  std::uint64_t bytes_ = 0;
  long memoryBefore_ = 0;
  long memoryOpen_ = 0;
};

// Opens `open` connections, a few at a time.
class Crowd : public Workload {
 public:
  using Workload::Workload;

 protected:
  virtual Session& session(std::size_t number) = 0;
  virtual void allOpen() = 0;

  void begin() override {
    while (begun_ < open() && begun_ - opened_ < AtOnce) {
      connect(session(begun_), Mode::echo, begun_);
      ++begun_;
    }
  }
  void oneOpened() {
    if (++opened_ == open()) {
      allOpen();
    } else {
      begin();
    }
  }

 private:
  std::size_t begun_ = 0;
  std::size_t opened_ = 0;
};

// `count` ping-pongs of 64 bytes on the first `talk` of `open` connections.
class Ping final : public Crowd {
 public:
  Ping(Contender& contender, const Options& options)
      : Crowd(contender, options),
        talk_(static_cast<std::size_t>(options.number("talk", static_cast<long>(open())))),
        talkers_(open(), Talker(*this)) {}

 private:
  struct Talker final : Session {
    explicit Talker(Ping& of) : ping(&of) {}
    void opened(Wire& its) override {
      wire = &its;
      ping->oneOpened();
    }
    void received(Wire& /*wire*/, std::size_t more) override {
      got += more;
      if (got < MessageSize) return;
      got = 0;
      ping->pong(*this);
    }

    Ping* ping;
    Wire* wire = nullptr;
    std::size_t got = 0;
  };

  Session& session(std::size_t number) override { return talkers_[number]; }
  void allOpen() override {
    start();
    for (std::size_t at = 0; at < talk_; ++at) ask(talkers_[at]);
  }
  void ask(Talker& talker) {
    if (asked_ == count()) return;
    ++asked_;
    talker.wire->send(endlessBytes().substr(0, MessageSize));
  }
  void pong(Talker& talker) {
    if (++done_ == count()) return finish(done_, done_ * MessageSize);
    ask(talker);
  }

  std::size_t talk_;
  std::vector<Talker> talkers_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
};

// `count` times: connect, one ping-pong, close; `open` at a time. The first ones warm up.
class Churn final : public Workload {
 public:
  Churn(Contender& contender, const Options& options)
      : Workload(contender, options), visitors_(open(), Visitor(*this)) {}

 private:
  struct Visitor final : Session {
    explicit Visitor(Churn& of) : churn(&of) {}
    void opened(Wire& wire) override {
      got = 0;
      wire.send(endlessBytes().substr(0, MessageSize));
    }
    void received(Wire& wire, std::size_t more) override {
      got += more;
      if (got < MessageSize) return;
      wire.close();
      churn->oneDone(*this);
    }

    Churn* churn;
    std::size_t got = 0;
  };

  void begin() override {
    for (Visitor& visitor : visitors_) again(visitor);
  }
  void again(Visitor& visitor) { connect(visitor, Mode::echo, begun_++); }
  void oneDone(Visitor& visitor) {
    const std::uint64_t warm = open();
    if (++done_ == warm) start();
    if (done_ == warm + count()) return finish(count(), count() * MessageSize);
    if (begun_ < warm + count()) again(visitor);
  }

  std::vector<Visitor> visitors_;
  std::uint64_t begun_ = 0;
  std::uint64_t done_ = 0;
};

// One connection that begins with a header.
class Single : public Workload, public Session {
 public:
  using Workload::Workload;
  void opened(Wire& wire) override {
    start();
    wire.send({header_.data(), header_.size()});
  }

 private:
  Header header_ = headerOf(count());
};

// `count` bytes to the server.
class Up final : public Single {
 public:
  using Single::Single;
  void sent(Wire& wire) override {
    if (left_ == 0) return;
    const std::string_view bytes =
        endlessBytes().substr(0, std::min<std::uint64_t>(left_, endlessBytes().size()));
    left_ -= bytes.size();
    wire.send(bytes);
  }
  void received(Wire& /*wire*/, std::size_t /*more*/) override { finish(1, count()); }

 private:
  void begin() override { connect(*this, Mode::discard, 0); }

  std::uint64_t left_ = count();
};

// `count` bytes from the server.
class Down final : public Single {
 public:
  using Single::Single;
  void received(Wire& /*wire*/, std::size_t more) override {
    got_ += more;
    if (got_ == count()) finish(1, count());
  }

 private:
  void begin() override { connect(*this, Mode::generate, 0); }

  std::uint64_t got_ = 0;
};

// `open` connections on which nothing happens for `count` milliseconds.
class Idle final : public Crowd {
 public:
  using Crowd::Crowd;

 private:
  struct Sleeper final : Session {
    explicit Sleeper(Idle& of) : idle(of) {}
    void opened(Wire& /*wire*/) override { idle.oneOpened(); }
    void received(Wire& /*wire*/, std::size_t /*more*/) override {}
    Idle& idle;
  };
  struct Bell final : Session {
    explicit Bell(Idle& of) : idle(of), header(headerOf(of.count())) {}
    void opened(Wire& wire) override {
      idle.start();
      wire.send({header.data(), header.size()});
    }
    void received(Wire& /*wire*/, std::size_t /*more*/) override { idle.finish(idle.open(), 0); }
    Idle& idle;
    Header header;
  };

  Session& session(std::size_t /*number*/) override { return sleeper_; }
  void allOpen() override { connect(bell_, Mode::bell, open()); }

  Sleeper sleeper_{*this};
  Bell bell_{*this};
};

std::unique_ptr<Workload> makeWorkload(const std::string& name, Contender& contender,
                                       const Options& options) {
  if (name == "ping") return std::make_unique<Ping>(contender, options);
  if (name == "churn") return std::make_unique<Churn>(contender, options);
  if (name == "up") return std::make_unique<Up>(contender, options);
  if (name == "down") return std::make_unique<Down>(contender, options);
  if (name == "idle") return std::make_unique<Idle>(contender, options);
  die("no such workload: " + name);
}

}  // namespace
}  // namespace bench

int main(int count, char** arguments) {
  using namespace bench;
  if (count < 2) die("usage: CONTENDER ping|churn|up|down|idle port=FIRST [key=value...]");
  const Options options(count, arguments, 2);
  alarm(static_cast<unsigned>(options.number("seconds", 200)));
  const auto contender = makeContender(options);
  makeWorkload(arguments[1], *contender, options)->run();
  std::fflush(stdout);
  _exit(0);  // tearing down thousands of connections is no part of it
}
