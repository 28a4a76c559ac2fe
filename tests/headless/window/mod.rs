//! The window without a display: the app with keys as Bevy gets them, and panels found, typed into and clicked by label.

mod afterwards; // the title, scars, settings and the debrief, in words
mod desktop; // the app, a keyboard, a clock that is moved by hand
mod keys; // an incident from its page to its debrief, by the keyboard alone
mod panels; // panels by label: what is clicked is what is said
mod stand; // a panel on its own, with a session behind it
mod start; // without a display
mod truth; // the map, held to the world of a session
mod words; // every panel says in words what it shows
