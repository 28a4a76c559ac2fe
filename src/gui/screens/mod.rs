//! The screens, one file each.

pub mod belief; // what was believed of the truth
pub mod briefing; // before the page
pub mod causes; // what led to what, drawn
pub mod commit; // the last word, or an earlier one
pub mod console; // on call
pub mod debrief; // what was true
pub mod healing; // what a run did to memory
pub mod metro; // the map of mechanisms
pub mod others; // among one's other runs
pub mod postmortem; // written up before the truth
pub mod scars; // what burnt you, and what is fading
pub mod settings; // over any screen
pub mod stage; // for a projector
pub mod title; // where one begins
pub mod turning; // what decided most
pub mod what_if; // what would have been
