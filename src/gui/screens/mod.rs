//! The screens, one file each.

pub mod briefing; // before the page
pub mod commit; // the last word, or an earlier one
pub mod console; // on call
pub mod debrief; // what was true
pub mod postmortem; // written up before the truth
pub mod settings; // over any screen
pub mod title; // where one begins
