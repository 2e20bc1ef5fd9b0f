#pragma once

#include <string>
#include <vector>

#include "proto/wire/body.h"
#include "proto/wire/build.h"
#include "proto/wire/messages.h"
#include "proto/wire/signing.h"

/// One message of each kind with every field set, for golden files, malformed variants and fuzzing.
namespace fieldpost::test {

wire::Record sample_record();          ///< readings, first of its name
wire::Record sample_renamed_record();  ///< with a first name and two gaps
wire::Fragment sample_fragment();      ///< the end of a body of two
wire::Record sample_fragment_record();
wire::LogPiece sample_log_piece();
wire::Record sample_log_record();
wire::Record sample_body_gap_record();   ///< with a gap that lost fragments
wire::Receipt sample_waiting_receipt();  ///< a fragment may not begin its body yet
wire::Envelope sample_envelope();
wire::Hello sample_hello();
wire::Answer sample_answer();
wire::NodeState sample_node_state();
wire::Challenge sample_challenge();
wire::Welcome sample_welcome();
wire::Receipt sample_receipt();
wire::Command sample_command();
wire::Presence sample_presence();

/// A key of a seed that everybody may know.
wire::SigningKey sample_key();

/// A message as it travels: signed where it is signed.
struct SampleMessage {
  std::string name;   ///< of its golden file
  std::string topic;  ///< empty for a record, which travels inside an envelope
  std::string bytes;
};
std::vector<SampleMessage> sample_messages();

}  // namespace fieldpost::test
