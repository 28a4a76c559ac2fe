//! Accelerators in the shape of nvidia-smi, and the lines that their driver left in the kernel's log.

use crate::sim::world::survey::{GpuState, PodState, PoolState};
use crate::telemetry::fleet::{Fleet, FleetError, pod_name};
use crate::telemetry::logs::PCI_BUS;

/// The clock of an accelerator that nothing slows down, as the DCGM exporter of this fleet reports it.
pub(super) const NORMAL_CLOCK_MHZ: f64 = 1980.0;
/// Memory of an accelerator and what a serving process takes of it from the start, whatever it serves.
const MEMORY_MIB: (u32, u32) = (73_401, 81_559);
/// Its power limit, in watts.
const POWER_LIMIT_W: u32 = 700;

impl Fleet<'_> {
    pub(super) fn nvidia_smi(&self, target: &str) -> Result<String, FleetError> {
        let on_node = |pod: &PodState| pod.node.is_some_and(|n| self.scene.node(n) == target);
        let found = self.pods().find(|(pool, pod)| pod_name(pool, pod) == target || on_node(pod));
        let Some((pool, pod)) = found else {
            let nodes = self.pods().filter_map(|(_, pod)| pod.node).map(|n| self.scene.node(n));
            let known: Vec<String> = self.pods().map(|(pool, pod)| pod_name(pool, pod)).chain(nodes).collect();
            return Err(FleetError::unknown("node or pod with accelerators", target, &known));
        };
        if pod.node.is_none() && pod.gpus.iter().all(|g| g.xid == 0) {
            return Err(FleetError::new(format!("{target} has no node yet: describe pod {target}")));
        }
        Ok(table(pool, pod) + &kernel_lines(pod))
    }
}

fn table(pool: &PoolState, pod: &PodState) -> String {
    let rule = "+-----------------------------------------+------------------------+----------------------+\n";
    let mut text = format!(
        "NVIDIA-SMI 570.124.06    Driver Version: 570.124.06    CUDA Version: 12.8    ({})\n{rule}",
        pod_name(pool, pod)
    );
    text.push_str("| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |\n");
    text.push_str("| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |\n");
    text.push_str(&rule.replace('-', "="));
    for (rank, gpu) in pod.gpus.iter().enumerate() {
        text.push_str(&rows(rank, gpu, pod.busy));
        text.push_str(rule);
    }
    let clocks: Vec<String> = pod.gpus.iter().map(|g| format!("{:.0}", g.clock * NORMAL_CLOCK_MHZ)).collect();
    text + &format!("SM clocks (MHz): {}\n", clocks.join(" "))
}

fn rows(rank: usize, gpu: &GpuState, busy: bool) -> String {
    let bus = format!("00000000:{}:00.0", PCI_BUS[rank % PCI_BUS.len()].to_uppercase());
    if gpu.xid == 79 {
        return format!(
            "| {rank:>3}  {:<24} {:>9} |   {bus} Off |                 ERR! |\n| ERR!  ERR!  ERR!          ERR! /  ERR!  |      N/A /      N/A    |    ERR!         ERR! |\n",
            "NVIDIA H100 80GB HBM3", "On"
        );
    }
    let util = if busy { 100 } else { 0 };
    let (used, all) = MEMORY_MIB;
    format!(
        "| {rank:>3}  {:<24} {:>9} |   {bus} Off |                    0 |\n| N/A {:>4.0}C    P0           {:>4.0}W / {POWER_LIMIT_W:>4}W |   {used:>5}MiB / {all:>5}MiB  |    {util:>3}%      Default |\n",
        "NVIDIA H100 80GB HBM3", "On", gpu.temperature_c, gpu.power_w
    )
}

fn kernel_lines(pod: &PodState) -> String {
    let errors = pod.gpus.iter().enumerate().filter(|(_, gpu)| gpu.xid != 0);
    let lines: Vec<String> = errors
        .map(|(rank, gpu)| {
            let what = if gpu.xid == 79 { "GPU has fallen off the bus." } else { "see the driver's manual." };
            format!("NVRM: Xid (PCI:0000:{}:00): {}, pid=1, {what}\n", PCI_BUS[rank % PCI_BUS.len()], gpu.xid)
        })
        .collect();
    if lines.is_empty() { "dmesg: no Xid\n".to_string() } else { format!("dmesg:\n{}", lines.concat()) }
}
