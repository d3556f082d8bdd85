// Package sampling gives one binding decision per trace, agreed in a Raft log by one, three or five voters.
//
//	Decide ──► evaluate (internal/policy) ──► ask ──► committers ──► Raft log (pkg/raftlog)
//	                                                                    │ committed
//	answer ◄────────────── machine: decisions, policies (internal/decide) ◄──┘ applied, the same on every voter
//
// Promises:
//   - A decision is acknowledged only after a majority of the voters has it on disk and this one has applied it. From
//     then on every voter gives the same one, also after crashes of a minority.
//   - The first decision of a trace wins, whoever asks and whatever is known of the trace later, while it is remembered.
//   - At most Config.MaxDecisions are remembered. Beyond that the table forgets in the order of application, on every
//     voter at the same entry, and a forgotten trace may be decided again and otherwise. So the limit has to outlast
//     the latest span: rate of traces × time of lateness.
//   - Policies change by compare-and-set and are numbered by epochs. Before anybody has set some, everything is kept.
//
// Any voter may be asked. A decision that it knows it gives itself, since it cannot change (a voter that lags may so
// give one that the others have just forgotten); only the leader decides,
// and only the leader, once a majority has confirmed it, says that a trace is undecided. A voter passes such calls on
// to the leader, once: a call that was passed on already is answered UNAVAILABLE by who is not the leader either. The
// policies and the state of the cluster are told as the asked voter sees them, which may be late by some entries.
//
// A new leader first applies all that its predecessors have committed, so that it judges by the latest policies and
// denies no decision; until then it is as if there were none.
//
// All this holds while a voter keeps its folder. One that has lost it has forgotten what it voted for and stored, so
// under its old name it may complete a majority that lacks acknowledged decisions. Let it come back only while all
// the others are up and level.
//
// The algorithm is Raft: Ongaro, Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014; reads at the
// leader as in Ongaro's thesis, section 6.4.
package sampling
