//! The panels of the console, one file each: they read a snapshot, and ask.

pub mod actions; // what can be ordered
pub mod archive; // documents
pub mod assistant; // it looks, and it judges
pub mod case_board; // hypotheses, evidence, commit
pub mod changes; // the change log
pub mod channel; // chat and updates
pub mod chart; // a chart of a panel
pub mod compare; // what is brushed, against the rest
pub mod context; // the lines around a line
pub mod dashboards; // boards
pub mod explore; // questions in three languages
pub mod grid; // a table
pub mod heat; // how times are spread
pub mod logs; // log lines
pub mod overlay; // palette, keys, primer, messages
pub mod pager; // page and alerts
pub mod strip; // time at the bottom
pub mod top; // clock, severity, budget, pain, cost, promise
pub mod traces; // traces and waterfalls
