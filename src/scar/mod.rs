//! What stays of a session: items that fade, what is forecast of them, what to practise today.
//!
//! A profile is a folder of sessions with their scorecards beside them. Everything else here is a function of those and
//! of a moment that is passed in; nothing reads a clock.

pub mod item; // a pattern, a pair, a trap
pub mod memory; // how it fades: FSRS-6

pub mod rating; // what the log says of each item

pub mod case; // what a variant puts to the test
pub mod files; // written whole or not at all
pub mod occasion; // when and why a session was played

pub mod graded; // the record of a session
pub mod profile;
pub mod records; // the projection, behind one small interface // the folder

pub mod standing; // how each item stands
pub mod trial; // the forecast, held against what came

pub mod ability; // how able, how hard
pub mod select; // what to practise next

pub mod exchange; // records out and in again
pub mod healing; // the scar in a debrief
pub mod progress; // how somebody gets on
pub mod team; // several people's records

pub mod tell; // in words
