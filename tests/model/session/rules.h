// The rules of proto/README.md that can be switched off, one by one.
#pragma once

namespace fieldpost::model::session {

struct Rules {
  bool name_1 = true;             // a seq is never handed out twice
  bool name_2 = true;             // the bytes of a name never change
  bool name_3 = true;             // incarnation on disk before its first name leaves
  bool name_3_lease = true;       // ... with the lease that salvage's gap reaches to
  bool name_4 = true;             // an incarnation closes when the process ends
  bool name_6_first = true;       // a renamed record keeps its first name
  bool topic_4 = true;            // PUBACK deletes nothing
  bool hello_1 = true;            // each hello has a nonce of its own
  bool hello_2_all = true;        // every incarnation is stated
  bool hello_2_kept = true;       // kept ranges are stated
  bool hello_3_memory = true;     // sampled records in memory count as held
  bool hello_3_gap = true;        // names covered by a held gap count as held
  bool hello_3_salvage = true;    // names of a spool being salvaged count as held
  bool hello_4 = true;            // nothing kept goes while a hello is unanswered
  bool chal_1 = true;             // nothing is concluded before the answer
  bool chal_1_fresh = true;       // each challenge has a number of its own
  bool chal_1_once = true;        // at most one answer a nonce
  bool chal_2 = true;             // only the newest hello can be answered
  bool wel_1 = true;              // what is neither held, kept nor settled is settled
  bool wel_1_held = true;         // held names are left alone
  bool wel_2_verdicts = true;     // the welcome tells the verdicts for held names
  bool wel_2_hash = true;         // the node compares the stored hash
  bool wel_2_quarantined = true;  // quarantined needs the same hash, too
  bool wel_3 = true;              // what arrived before is committed before the conclusion
  bool wel_4 = true;              // missing names are held again
  bool wel_5 = true;              // another generation ends the session
  bool wel_6 = true;              // records leave only inside a welcomed session
  bool wel_7 = true;              // names above its stated highest end the live incarnation
  bool commit_1_receipt = true;   // the receipt leaves after the commit
  bool commit_1_data = true;      // what a record means is not stored before its name is settled
  bool commit_1_name = true;      // ... nor after it
  bool commit_2_differs = true;   // conflict if the hash differs
  bool commit_2_gone = true;      // conflict if the hash is not kept any more
  bool commit_2_again = true;     // what is settled is receipted again
  bool commit_3 = true;           // the hash is kept until it is marked
  bool commit_3_session = true;   // marks end with the session
  bool commit_4 = true;           // a record that meets conflict is renamed
  bool commit_4_closes = true;    // ... under a fresh incarnation
  bool commit_4_hello = true;     // ... and a hello follows
  bool commit_5_after = true;     // a gapped name is never stored afterwards
  bool commit_5_settled = true;   // a gap counts nothing for what is settled
  bool commit_6 = true;           // refused comes with a gap of its name
  bool commit_7 = true;           // out of quarantine in one transaction
  bool commit_7_number = true;    // given up, nothing for what a thinned record carries on
  bool commit_7_there = true;     // ... and for what is stored under the name it was accepted in
  bool commit_8_key = true;       // replay stores by content key
  bool commit_8_gapped = true;    // replay changes nothing for other settled names
  bool commit_9 = true;           // a thinned reading that arrives leaves the coordinator's own gap
  bool env_5_gaps = true;         // gaps of quarantined records are taken
  bool rcpt_1_nonce = true;       // receipts are obeyed only with the session's nonce
  bool rcpt_1_generation = true;  // ... and generation
  bool rcpt_1_envelope = true;    // a receipt carries the nonce of the envelope it answers
  bool rcpt_2_kept = true;        // on `stored` a record on disk is kept
  bool rcpt_2_dropped = true;     // on `gapped` and `refused` it is dropped
  bool rcpt_3 = true;             // gaps of a dropped record go out again
  bool shed_1 = true;             // gap and deletion are one transaction
  bool shed_2 = true;             // only what is held is shed
  bool shed_3_names = true;       // a merged gap lists the names it supersedes
  bool shed_4 = true;             // what is shed from memory lies in a gap, too
  bool shed_origin = true;        // a shed reading counts under the name it was accepted in
  bool back_1 = true;             // left behind names lie in an unconfirmed gap
  bool back_1_held = true;        // stated as held, a name leaves that gap
  bool back_3 = true;             // a machine proved to run twice is not welcomed
  bool back_5 = true;             // unreadable names are gapped
  bool back_5_hello = true;       // when salvage ends, the node says hello again
  bool back_5_gaps = true;        // ... but for those that a readable gap lists
};

}  // namespace fieldpost::model::session
