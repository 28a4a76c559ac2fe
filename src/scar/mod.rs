//! What stays of a session: items that fade, what is forecast of them, what to practise today.
//!
//! A profile is a folder of sessions with their scorecards beside them. Everything else here is a function of those and
//! of a moment that is passed in; nothing reads a clock.
//!
//! # Files
//!
//! `occasion.json` beside a log says when and why a session was played (it spoils, so it is private like the seal), and
//! `scorecard.json` what it was graded, with the debrief as it was then. These are the truth of a profile.
//! `scars.sqlite` is a projection of them, brought up to date under a lock whenever a profile is opened, by length and
//! moment of change of the files; a damaged one is set aside. [`records::Records`] is all that the rest knows of it.
//! Files are written whole or not at all.
//!
//! # Items and grades
//!
//! Items are pairs of look-alikes first: the mechanism that was true with the one that is true in the twin, and, after
//! a miss, with whatever it was taken for. Patterns and traps stand beside. A session gives grades of several items
//! that hang together, so the trial of the forecast takes one of each session. A first try is one with no meeting of
//! the item in the day before it.
//!
//! An assistant's first word in a session is where alone ends: what was committed before it counts for what is known
//! alone, what stood at the end for what is known with help. Advice is judged only where it names mechanisms of the
//! list.

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
