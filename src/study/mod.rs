//! Many runs: scenarios by seeds by participants, and what may be said of them.

pub mod outcome; // one run of one participant, graded
pub mod plan; // what is run, fixed beforehand
pub mod shelf; // where outcomes lie
pub mod statistics; // intervals and exact tests

pub mod compare; // what may be said
pub mod pair; // two cases behind one page, for a talk
