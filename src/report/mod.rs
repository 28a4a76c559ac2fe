//! What is handed on: terminal charts, HTML pages, JSON.

pub mod run; // what a run reports, and its JSON

pub mod page; // one self-contained HTML file
pub mod terminal; // text and charts for a terminal
