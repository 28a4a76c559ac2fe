//! Many runs: scenarios by seeds by participants, and what may be said of them.

pub mod outcome; // one run of one participant, graded
pub mod plan; // what is run, fixed beforehand
pub mod shelf;
pub mod statistics; // intervals and exact tests // where outcomes lie

pub mod compare; // what may be said
