//! Recorded traces: those built into the program by name, and files by path.

use crate::sim::spec::SpecError;
use crate::sim::workload::WorkloadSpec;
use crate::sim::workload::spec::Arrivals;

/// Reads the rows of every trace that a workload names.
///
/// # Errors
/// A trace that cannot be found or read, with its path in the workload.
pub fn fill(workload: &mut WorkloadSpec) -> Result<(), SpecError> {
    for (index, source) in workload.sources.iter_mut().enumerate() {
        if let Arrivals::Trace { file, .. } = &source.arrivals {
            let path = format!("workload.sources.{index}.arrivals.file");
            return Err(SpecError::new(path, format!("no trace is called \"{file}\"")));
        }
    }
    Ok(())
}
