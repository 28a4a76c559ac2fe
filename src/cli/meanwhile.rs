//! While somebody reads and thinks, one processor makes the runs that the debrief will want, so that nobody waits for them
//! at the end. Where that fails, or has not come to its end, the debrief makes the rest itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::score::debrief::prepare;
use crate::score::runs::Runs;
use crate::session::store::OpenSession;

/// As long as this is kept, runs are made for a session; afterwards only the one that is under way is finished.
pub struct Meanwhile {
    stopped: Arc<AtomicBool>,
}

impl Meanwhile {
    /// Begins, in a thread of its own.
    pub fn of(open: &OpenSession) -> Meanwhile {
        let (scenario, seal) = (open.session.scenario().clone(), open.session.seal().clone());
        let (folder, stopped) = (open.folder().to_path_buf(), Arc::new(AtomicBool::new(false)));
        let asked = Arc::clone(&stopped);
        std::thread::spawn(move || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok()?;
            pool.install(|| prepare(&seal, &Runs::kept_in(&scenario, &folder).until(asked)).ok())
        });
        Meanwhile { stopped }
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}
