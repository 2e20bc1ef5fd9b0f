#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/load/plan.h"
#include "tools/load/played.h"
#include "tools/load/user_connection.h"

namespace fieldpost::load {

/// Plays a plan against POST /write: each user has one connection and sends a request when it is
/// due, or as soon as its earlier ones are answered. What is late stays due: nothing is left out to
/// make up for it. One period after the end no more is sent; what is under way then has 10 s.
class Player {
 public:
  /// The readings go to `node`. The address outlives it.
  Player(const Plan& plan, const bench::TcpAddress& address, std::string node);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  /// Once.
  Played play();

 private:
  struct User {
    UserConnection connection;
    std::size_t turns_due = 0;
    std::size_t sent = 0;  ///< of its requests
    bool under_way = false;
    std::int64_t sent_ns = 0;
  };

  [[nodiscard]] std::int64_t now_ns() const;
  void take_turns(std::int64_t now);
  void wait(std::int64_t until);
  void go_on(std::size_t user);
  void end_request(std::size_t user, Outcome outcome);
  void take_answer(std::size_t user);
  void give_up_rest();
  [[nodiscard]] std::size_t request_of(std::size_t user, std::size_t own) const;
  [[nodiscard]] std::string text_of(std::size_t request) const;

  Plan plan_;
  std::string head_;
  int poll_;
  std::vector<User> users_;
  std::size_t next_turn_ = 0;
  std::size_t under_way_ = 0;
  std::int64_t began_ns_ = 0;
  std::int64_t last_answer_ns_ = 0;
  bool sending_ = true;
  Played played_;
};

}  // namespace fieldpost::load
