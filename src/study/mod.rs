//! Many runs: scenarios by seeds by participants, and what may be said of them.
//!
//! A seed draws the variant by the lots of the file, here as everywhere (`seal::dealt`); each scenario has seeds of its
//! own, so that incidents are independent. Intervals are those of first tries: repetitions are no new incidents. All participants of an
//! incident share its counterfactual runs. An outcome is a line, synced before it counts; a torn last line never was
//! ([`shelf`]). Sessions of people and models join a study when it is reported: graded then, by the build that reports.
//! Belief in what was true is read off the log, the ideal observer's off its judgement look by look. Intervals and
//! tests are held to published vectors ([`statistics`]).

pub mod outcome; // one run of one participant, graded
pub mod plan; // what is run, fixed beforehand
pub mod shelf; // where outcomes lie
pub mod statistics; // intervals and exact tests

pub mod compare; // what may be said
pub mod pair; // two cases behind one page, for a talk
