// hio connect against servers that behave well and badly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tool/child.hpp"
#include "tool/files.hpp"
#include "tool/peer.hpp"

namespace hio::tool_test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* Here = "127.0.0.1";

// ---- how it ends, and the exit code -------------------------------------------------------------

TEST(ConnectEnds, RefusedIs4) {
  Child hio({"connect", Here, closedPort()});
  EXPECT_EQ(hio.finish(), 4);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, StartsWith("hio: connect to 127.0.0.1:"));
  EXPECT_THAT(hio.err, HasSubstr("Connection refused; nothing listens there"));
}

TEST(ConnectEnds, NoAnswerIs5) {
  Listener listener(0, 0);
  const auto waiting = listener.fill();
  Child hio({"connect", Here, listener.portText(), "--timeout", "0.3"});
  EXPECT_EQ(hio.finish(), 5);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("Connection timed out, after 0.3 s"));
}

TEST(ConnectEnds, NameThatDoesNotExistIs3) {
  Child hio({"connect", "no.such.name.invalid", "80"});
  EXPECT_EQ(hio.finish(), 3);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("no.such.name.invalid:80"));
}

TEST(ConnectEnds, NameThatCannotExistIs3EvenWithReconnect) {
  Child hio({"connect", "a\tb", "80", "--reconnect"});
  EXPECT_EQ(hio.finish(), 3);
  EXPECT_THAT(hio.err, HasSubstr("no such name can exist"));
}

TEST(ConnectEnds, AcceptAndCloseWithNothingToSendIs0) {
  Listener listener;
  Child hio({"connect", Here, listener.portText()}, "/dev/null");
  listener.accept(hio).close();
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_EQ(hio.err, "");
}

TEST(ConnectEnds, CloseBeforeAllInputIsSentIs8) {
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "-v"});
  listener.accept(hio).close();
  ASSERT_TRUE(hio.untilErr("the far side has ended its sending"));
  // The first bytes are taken by the kernel and refused by the far side; those after it cannot go.
  ASSERT_TRUE(hio.until([&] {
    hio.write("something\n");
    return hio.err.find("closed before") != std::string::npos;
  }));
  EXPECT_EQ(hio.finish(), 8);
  EXPECT_THAT(hio.err, HasSubstr("closed before all input was sent"));
}

TEST(ConnectEnds, ResetIs7) {
  Listener listener;
  Child hio({"connect", Here, listener.portText()});
  Socket peer = listener.accept(hio);
  hio.write("ping");
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got) || got == "ping"; }));
  peer.reset();
  EXPECT_EQ(hio.wait(), 7);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("Connection reset by peer"));
}

TEST(ConnectEnds, ResetAfterTheInputIs7AndWhatCameIsWritten) {
  Listener listener;
  Child hio({"connect", Here, listener.portText()}, "/dev/null");
  Socket peer = listener.accept(hio);
  peer.send("half an ans");
  ASSERT_TRUE(hio.untilOut("half an ans"));
  peer.reset();
  EXPECT_EQ(hio.wait(), 7);
}

class Interrupted : public testing::TestWithParam<int> {};

TEST_P(Interrupted, Is130AndTellsTheBytes) {
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "-v"});
  Socket peer = listener.accept(hio);
  peer.send("hello");
  hio.write("abc");
  std::string got;
  ASSERT_TRUE(hio.untilOut("hello"));
  ASSERT_TRUE(hio.until([&] { return peer.receive(got) || got == "abc"; }));
  hio.signal(GetParam());
  EXPECT_EQ(hio.wait(), 130);
  EXPECT_THAT(hio.err, HasSubstr("interrupted"));
  EXPECT_THAT(hio.err, HasSubstr("sent 3 bytes, received 5 bytes"));
}

INSTANTIATE_TEST_SUITE_P(Signals, Interrupted, testing::Values(SIGINT, SIGTERM));

TEST(ConnectEnds, InterruptedWhileNobodyAnswersIs130) {
  Listener listener(0, 0);
  const auto waiting = listener.fill();
  Child hio({"connect", Here, listener.portText(), "--timeout", "0", "-v"});
  ASSERT_TRUE(hio.untilErr("connecting to"));
  hio.signal(SIGINT);
  EXPECT_EQ(hio.wait(), 130);
}

TEST(ConnectEnds, InterruptedBetweenAttemptsIs130) {
  Child hio({"connect", Here, closedPort(), "--reconnect", "-v"});
  ASSERT_TRUE(hio.untilErr("trying again"));
  hio.signal(SIGINT);
  EXPECT_EQ(hio.wait(), 130);
}

TEST(ConnectEnds, ReaderOfTheOutputHasGoneIs0) {
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "-v"});
  Socket peer = listener.accept(hio);
  hio.closeOutput();
  peer.send("nobody reads this");
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_THAT(hio.err, HasSubstr("the reader of the output has gone"));
}

// ---- the two streams ----------------------------------------------------------------------------

TEST(ConnectStreams, InputAtItsEndIsToldAndTheAnswerStillComes) {
  Listener listener;
  Child hio({"connect", Here, listener.portText()});
  Socket peer = listener.accept(hio);
  hio.write("question");
  hio.endInput();
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got); }));
  EXPECT_EQ(got, "question");
  peer.send("answer");
  peer.close();
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_EQ(hio.out, "answer");
}

TEST(ConnectStreams, FarSideThatEndsFirstGetsTheRest) {
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "-v"});
  Socket peer = listener.accept(hio);
  peer.send("all I say");
  peer.shutdownSend();
  ASSERT_TRUE(hio.untilErr("the far side has ended its sending"));
  hio.write("the rest");
  hio.endInput();
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got); }));
  EXPECT_EQ(got, "the rest");
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_EQ(hio.out, "all I say");
}

TEST(ConnectStreams, FileGoesOutWhole) {
  const Folder folder;
  const std::string bytes = randomBytes(3'000'001);
  Listener listener;
  Child hio({"connect", "localhost", listener.portText(), "--file", folder.file("in", bytes)});
  Socket peer = listener.accept(hio);
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got); }));
  peer.close();
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_TRUE(got == bytes) << got.size();
  EXPECT_EQ(hio.err, "");  // no progress line, for this is no terminal
}

TEST(ConnectStreams, EmptyFileIsSentAsNothing) {
  const Folder folder;
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "--file", folder.file("in", "")});
  Socket peer = listener.accept(hio);
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got); }));
  peer.close();
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_EQ(got, "");
}

// The far side takes nothing: input must not be read without end.
TEST(ConnectStreams, InputThatCannotGoOutIsNotReadOn) {
  Listener listener;
  Child hio({"connect", Here, listener.portText()}, "/dev/zero");
  Socket peer = listener.accept(hio);
  const std::string status = "/proc/" + std::to_string(hio.pid()) + "/statm";
  std::size_t most = 0;
  hio.until([&, turns = 0]() mutable {
    std::ifstream in(status);
    std::size_t all = 0;
    std::size_t resident = 0;
    if (in >> all >> resident) most = std::max(most, resident * 4096);
    return ++turns == 50;
  });
  EXPECT_GT(most, 0U);
  EXPECT_LT(most, 256U << 20U);
  hio.signal(SIGINT);
  EXPECT_EQ(hio.wait(), 130);
}

TEST(ConnectStreams, VerboseTellsPhases) {
  Listener listener;
  Child hio({"connect", "localhost", listener.portText(), "-v"}, "/dev/null");
  listener.accept(hio).close();
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_THAT(hio.err, HasSubstr("connecting to localhost:" + listener.portText()));
  EXPECT_THAT(hio.err, HasSubstr("connected to 127.0.0.1:" + listener.portText()));
  EXPECT_THAT(hio.err, HasSubstr("(epoch 1)"));
  EXPECT_THAT(hio.err, HasSubstr("ended the sending"));
  EXPECT_THAT(hio.err, HasSubstr("sent 0 bytes, received 0 bytes"));
}

TEST(ConnectStreams, VerboseTellsAFailureOnce) {
  Child hio({"connect", Here, closedPort(), "-v"});
  EXPECT_EQ(hio.finish(), 4);
  const auto first = hio.err.find("Connection refused");
  ASSERT_NE(first, std::string::npos) << hio.err;
  EXPECT_EQ(hio.err.find("Connection refused", first + 1), std::string::npos) << hio.err;
}

// ---- --reconnect --------------------------------------------------------------------------------

TEST(Reconnect, SurvivesARestartOfTheServer) {
  auto listener = std::make_unique<Listener>();
  const std::uint16_t port = listener->port();
  Child hio({"connect", Here, std::to_string(port), "--reconnect", "-v"});
  Socket peer = listener->accept(hio);
  hio.write("one\n");
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got) || got == "one\n"; }));
  peer.send("1\n");
  ASSERT_TRUE(hio.untilOut("1\n"));
  listener.reset();
  peer.close();
  ASSERT_TRUE(hio.untilErr("trying again"));
  hio.write("two\n");  // while there is no connection
  ASSERT_TRUE(hio.untilErr("Connection refused"));

  Listener again(port);
  Socket next = again.accept(hio);
  got.clear();
  ASSERT_TRUE(hio.until([&] { return next.receive(got) || got == "two\n"; }));
  EXPECT_EQ(got, "two\n");
  next.send("2\n");
  hio.endInput();
  ASSERT_TRUE(hio.until([&] { return next.receive(got); }));
  next.close();
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_EQ(hio.out, "1\n2\n");
  EXPECT_THAT(hio.err, HasSubstr("(epoch 2)"));
  EXPECT_THAT(hio.err, HasSubstr("sent 8 bytes, received 4 bytes"));
}

TEST(Reconnect, WaitsForAServerThatComesLate) {
  const std::string port = closedPort();
  Child hio({"connect", Here, port, "--reconnect", "-v"});
  hio.write("early");
  hio.endInput();
  ASSERT_TRUE(hio.untilErr("attempt 2"));
  Listener listener(static_cast<std::uint16_t>(std::stoi(port)));
  Socket peer = listener.accept(hio);
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got); }));
  EXPECT_EQ(got, "early");
  peer.close();
  EXPECT_EQ(hio.wait(), 0);
}

TEST(Reconnect, AResetAfterAllWasSentIs7) {
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "--reconnect"});
  Socket peer = listener.accept(hio);
  hio.write("all");
  hio.endInput();
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got); }));
  peer.reset();
  EXPECT_EQ(hio.wait(), 7);
}

// ---- --wirelog ----------------------------------------------------------------------------------

TEST(WireLogOption, HoldsBothDirectionsInAPrivateFile) {
  const Folder folder;
  const std::string path = folder.file("wire");
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "--wirelog", path});
  Socket peer = listener.accept(hio);
  hio.write("ping");
  std::string got;
  ASSERT_TRUE(hio.until([&] { return peer.receive(got) || got == "ping"; }));
  peer.send("pong");
  ASSERT_TRUE(hio.untilOut("pong"));
  hio.endInput();
  ASSERT_TRUE(hio.until([&] { return peer.receive(got); }));
  peer.close();
  EXPECT_EQ(hio.wait(), 0);

  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  const std::string who = "('127.0.0.1', " + listener.portText() + ")";
  EXPECT_EQ(contentOf(path), "\nTx " + who + ":\nping\n\nRx " + who + ":\npong\n");
}

TEST(WireLogOption, AddsToWhatIsThere) {
  const Folder folder;
  const std::string path = folder.file("wire", "before\n");
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "--wirelog", path}, "/dev/null");
  Socket peer = listener.accept(hio);
  peer.send("pong");
  peer.close();
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_THAT(contentOf(path), StartsWith("before\n\nRx"));
  EXPECT_THAT(contentOf(path), HasSubstr("pong"));
}

TEST(WireLogOption, FollowsNoSymbolicLink) {
  const Folder folder;
  const std::string target = folder.file("target", "mine");
  std::filesystem::create_symlink(target, folder.file("link"));
  Child hio({"connect", Here, "80", "--wirelog", folder.file("link")});
  EXPECT_EQ(hio.finish(), 2);
  EXPECT_EQ(contentOf(target), "mine");
}

TEST(WireLogOption, AFullDiskDisturbsNothing) {
  Listener listener;
  Child hio({"connect", Here, listener.portText(), "--wirelog", "/dev/full"});
  Socket peer = listener.accept(hio);
  for (const std::string text : {"one\n", "two\n"}) {
    peer.send(text);
    ASSERT_TRUE(hio.untilOut(text));
  }
  peer.close();
  EXPECT_EQ(hio.finish(), 0);
  EXPECT_EQ(hio.out, "one\ntwo\n");
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("warning: no more is logged in '/dev/full'"));
}

}  // namespace
}  // namespace hio::tool_test
