//! The window: screens, panels and the map. The only module that knows Bevy and egui. It drives a session as the terminal
//! does, by commands, and shows nothing that a view does not hold before the debrief.

pub mod career; // how the player stands
pub mod desk; // what it asks of its surroundings
pub mod settings; // what is kept from one start to the next
pub mod theme; // colours and fonts, as data

pub mod answers; // answers, ready to be drawn
pub mod buckets; // what questions about histograms say of them
pub mod snapshot; // what is known of a session at a moment
pub mod worker; // the thread that owns the session

pub mod fit; // whether texts fit
pub mod keys; // everything that can be done, with its key
pub mod map; // the six layers
pub mod state; // what the window remembers

pub mod brush; // what is brushed, and the comparison that it asks for

pub mod act; // keys into deeds
pub mod kit; // small parts
pub mod panels; // of the console
pub mod screens; // from the title to the debrief

pub mod app; // the Bevy app
pub mod map_view; // the map in the window
pub mod tour; // pictures of every screen

pub use app::open;
