//! `describe`: one pod, node, autoscaler or cache member, with what was noted of it.

use crate::sim::world::fact::{What, Why};
use crate::sim::world::survey::{PodState, PoolState};
use crate::telemetry::fleet::get::{status, target};
use crate::telemetry::fleet::verb::{Kind, Output};
use crate::telemetry::fleet::{Fleet, FleetError, age, events, pod_name};
use crate::telemetry::logs::{GATEWAY_IMAGE, SERVING_IMAGE};

/// Lines of a description: a name and a value each.
struct Sheet(String);

impl Sheet {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push_str(&format!("{:<18}{value}\n", format!("{name}:")));
    }
}

impl Fleet<'_> {
    pub(super) fn describe(&self, kind: Kind, name: &str) -> Result<String, FleetError> {
        match kind {
            Kind::Pods => self.describe_pod(name),
            Kind::Nodes => self.describe_node(name),
            Kind::Hpa => self.describe_hpa(name),
            Kind::Cache => self.describe_member(name),
            Kind::ConfigMap => self.config(name),
            Kind::Endpoints | Kind::Deployments | Kind::Events => self.get(kind, Some(name), None, Output::Wide),
        }
    }

    fn describe_pod(&self, name: &str) -> Result<String, FleetError> {
        if let Some(n) = self.gateway(name) {
            return Ok(self.describe_gateway(n, name));
        }
        if name.starts_with("kv-cache-") {
            return self.describe_member(name);
        }
        let (pool, pod) = self.find_pod(name)?;
        Ok(self.describe_replica(pool, pod))
    }

    fn describe_gateway(&self, n: usize, name: &str) -> String {
        let gateway = &self.survey.gateways[n];
        let mut sheet = Sheet(String::new());
        sheet.line("Name", name);
        sheet.line("Namespace", "api");
        sheet.line("Node", format!("api-node-{n:03}"));
        sheet.line("Status", if gateway.up { "Running" } else { "Waiting" });
        sheet.line("Ready", gateway.up && gateway.endpoint);
        sheet.line("Image", GATEWAY_IMAGE);
        sheet.line("Restarts", self.gateway_restarts(n));
        if let Some(last) = self.facts.iter().rev().find_map(|f| match f.what {
            What::GatewayKilled(g) if g.index() == n => Some(("OOMKilled (exit code 137)", f.at)),
            What::GatewayStopped(g) if g.index() == n => Some(("Completed (exit code 0)", f.at)),
            _ => None,
        }) {
            sheet.line("Last state", format!("Terminated: {}, {} ago", last.0, age(self.now.since(last.1))));
        }
        sheet.line("Memory", format!("{:.0}Mi of {:.0}Mi", gateway.memory_mib, gateway.limit_mib));
        sheet.line("Requests inside", gateway.in_flight);
        sheet.0 + &self.events_of(&format!("pod/{name}"))
    }

    fn describe_replica(&self, pool: &PoolState, pod: &PodState) -> String {
        let name = pod_name(pool, pod);
        let mut sheet = Sheet(String::new());
        sheet.line("Name", &name);
        sheet.line("Namespace", "serving");
        sheet.line("Node", pod.node.map_or("<none>".to_string(), |n| self.scene.node(n)));
        sheet.line("Age", age(self.pod_age(&name)));
        sheet.line("Status", status(pod));
        sheet.line("Ready", pod.endpoint);
        sheet.line("Image", SERVING_IMAGE);
        sheet.line("Model", &pool.model);
        sheet.line("Limits", format!("nvidia.com/gpu: {}", pool.gpus));
        sheet.line("Restarts", self.pod_restarts(&name, pod));
        let own = self.scene.replica(&name);
        let last = self.facts.iter().rev().find_map(|f| match f.what {
            What::ReplicaDown(_, r, why) if Some(r) == own => Some((why, f.at)),
            _ => None,
        });
        if let Some((why, at)) = last {
            let ended = match why {
                Why::OutOfMemory => "OOMKilled (exit code 137)",
                Why::Crashed => "Error (exit code 139)",
                Why::Watchdog => "Error (exit code 134)",
                Why::GpuLost => "Error (exit code 1)",
                Why::Restarted | Why::Removed => "Completed (exit code 0)",
            };
            sheet.line("Last state", format!("Terminated: {ended}, {} ago", age(self.now.since(at))));
        }
        sheet.line("Requests running", pod.running);
        sheet.0 + &self.events_of(&format!("pod/{name}"))
    }

    fn describe_node(&self, name: &str) -> Result<String, FleetError> {
        self.get(Kind::Nodes, Some(name), None, Output::Plain)?;
        let mut sheet = Sheet(String::new());
        sheet.line("Name", name);
        sheet.line("Age", age(self.old_age(name)));
        let on = self.pods().find(|(_, pod)| pod.node.is_some_and(|n| self.scene.node(n) == name));
        let cordoned = self.survey.pools.iter().find(|pool| self.cordoned(pool).iter().any(|n| n == name));
        sheet.line("Unschedulable", cordoned.is_some());
        if let Some((pool, pod)) = on {
            sheet.line("Allocated", format!("nvidia.com/gpu: {} of {}", pool.gpus, pool.gpus));
            sheet.line("Pod", pod_name(pool, pod));
            for (rank, gpu) in pod.gpus.iter().enumerate() {
                let clock = gpu.clock * super::gpu::NORMAL_CLOCK_MHZ;
                let text = format!("{:.0}C {:.0}W {clock:.0}MHz Xid {}", gpu.temperature_c, gpu.power_w, gpu.xid);
                sheet.line(&format!("GPU {rank}"), text);
            }
        } else {
            sheet.line("Pod", "<none>");
        }
        Ok(sheet.0 + &self.events_of(&format!("node/{name}")))
    }

    fn describe_hpa(&self, name: &str) -> Result<String, FleetError> {
        let scaled = self.survey.pools.iter().filter(|p| p.autoscaler.is_some());
        let known: Vec<String> = scaled.map(|p| p.name.clone()).collect();
        let pool = self.survey.pools.iter().find(|p| p.name == name && p.autoscaler.is_some());
        let Some((pool, (spec, paused, _))) = pool.and_then(|p| p.autoscaler.as_ref().map(|a| (p, a))) else {
            return Err(FleetError::unknown("autoscaler", name, &known));
        };
        let there = pool.pods.iter().filter(|p| p.endpoint).count();
        let pending = pool.pods.iter().filter(|p| p.node.is_none()).count();
        let mut sheet = Sheet(String::new());
        sheet.line("Name", name);
        sheet.line("Reference", format!("deployment/{name}"));
        sheet.line("Metric", &spec.query);
        sheet.line("Value/target", target(pool, spec.target));
        sheet.line("Min replicas", spec.min);
        sheet.line("Max replicas", spec.max);
        sheet.line("Every", format!("{} s", spec.interval_s.as_secs_f64()));
        sheet.line("Scale up", format!("at most {} at once", spec.max_step));
        sheet.line("Scale down", format!("after {} s below", spec.scale_down_after_s.as_secs_f64()));
        sheet.line("Replicas", format!("{} wanted, {there} ready, {pending} pending", pool.wanted));
        sheet.line("ScalingActive", !*paused && pool.metric.is_some());
        Ok(sheet.0 + &self.events_of(&format!("hpa/{name}")))
    }

    fn describe_member(&self, name: &str) -> Result<String, FleetError> {
        let cache = self.survey.cache.as_ref().ok_or_else(|| FleetError::new("this cell has no shared cache tier"))?;
        let known: Vec<String> = (0..cache.members.len()).map(|n| self.scene.cache_node(n)).collect();
        let Some(n) = known.iter().position(|k| k == name) else {
            return Err(FleetError::unknown("cache member", name, &known));
        };
        let member = &cache.members[n];
        let mut sheet = Sheet(String::new());
        sheet.line("Name", name);
        sheet.line("Namespace", "kv-cache");
        sheet.line("Place in ring", n);
        sheet.line("Machine", if member.replaced { "a spare in the first one's place" } else { "its first one" });
        sheet.line(
            "Agent",
            member.silent_since.map_or("heard".to_string(), |at| format!("silent for {}", age(self.now.since(at)))),
        );
        sheet.line("Tokens", member.tokens.map_or("no answer".to_string(), |(held, room)| format!("{held} of {room}")));
        Ok(sheet.0 + &self.events_of(&format!("pod/{name}")))
    }

    fn events_of(&self, object: &str) -> String {
        let own: Vec<_> = events(self).into_iter().filter(|e| e.object == object).collect();
        if own.is_empty() {
            return "Events:           <none>\n".to_string();
        }
        let mut text = "Events:\n".to_string();
        for event in own {
            let kind = if event.warning { "Warning" } else { "Normal" };
            text.push_str(&format!(
                "  {:>6}  {kind:<8}{:<17} {}\n",
                age(self.now.since(event.at)),
                event.reason,
                event.message
            ));
        }
        text
    }
}
