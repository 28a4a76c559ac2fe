//! The window: screens, panels and the map. The only module that knows Bevy and egui. It drives a session as the
//! terminal does, by commands, and shows nothing that a view does not hold before the debrief.
//!
//! # Threads
//!
//! One thread owns the session ([`worker`]): it takes asks, lets a live clock catch up with the wall clock in small
//! steps, and publishes a [`snapshot::Snapshot`] about sixteen times a second. Bevy's systems read the latest one and
//! push asks; none waits, not even for the list of cases at the start. A debrief runs in a thread of its own and
//! reports its progress.
//!
//! # State
//!
//! egui draws the panels, immediate and without state of the session; [`state::State`] is what is open and half typed.
//! Everything that can be done is one list ([`keys::VERBS`]), of which palette, help and settings are made.
//! Surroundings (files, clock, records) come in through the trait [`desk::Desk`], which `cli` gives.
//!
//! Prefix reuse, retries and units of a layer are looks like any other, found again among the answers; so are marks of
//! changes. What is brushed on one axis of time is brushed on all, greys rows outside it, and is what the map replays
//! ([`brush`]).
//!
//! # Where it cannot open, and tests
//!
//! A panic before the first frame is a missing display or adapter, told in a sentence, and the terminal goes on; one
//! after it is a mistake of ours, and is shown as one ([`app`]). `app::headless` is the same app without a window
//! system and without a renderer. Tests press keys in it as Bevy gets them, with a clock that is moved by hand; panels
//! are found, typed into and clicked by label through `egui_kittest`; what a screen reader finds in each panel is kept
//! as text in `tests/golden/window`. [`fit`] finds texts that are cut off or lie over each other, for the tour.

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
