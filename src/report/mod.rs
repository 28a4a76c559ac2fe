//! What is handed on: terminal charts, HTML pages, JSON.

pub mod outcome; // from the end of a run to its report
pub mod run; // what a run reports, and its JSON
pub mod symptoms; // when a true series leaves its usual range
mod timeline; // the story of a run in moments

pub mod chart; // the eight charts, whatever draws them
pub mod quantity; // numbers with units, ticks of axes

pub mod page; // one self-contained HTML file
pub mod pair; // two cases as a talk
mod plot; // a chart as paths and positions, for the page

pub mod comparison; // a study as a page and as rows
pub mod debrief; // the debrief as a page
pub mod flip; // seen, and happening

pub mod gameday; // several teams on one page
pub mod hostkit; // what a facilitator has in hand

mod blocks; // a chart in character cells
mod sheet; // styled characters, laid out
pub mod terminal; // text and charts for a terminal
