//! `get`, `top`, `rollout`, `config`, `ring` and `router`: tables of what there is.

use crate::sim::ids::GatewayId;
use crate::sim::world::fact::{Fact, What};
use crate::sim::world::survey::{MemberState, Phase, PodState, PoolState};
use crate::telemetry::fleet::table::Table;
use crate::telemetry::fleet::verb::{Kind, Output};
use crate::telemetry::fleet::{Fleet, FleetError, age, events, pod_name};

/// Namespaces of the fleet.
pub(super) const NAMESPACES: [&str; 3] = ["api", "serving", "kv-cache"];

impl Fleet<'_> {
    pub(super) fn get(
        &self,
        kind: Kind,
        name: Option<&str>,
        namespace: Option<&str>,
        output: Output,
    ) -> Result<String, FleetError> {
        if let Some(wanted) = namespace.filter(|n| !NAMESPACES.contains(n)) {
            return Err(FleetError::unknown("namespace", wanted, &NAMESPACES.map(str::to_string)));
        }
        if kind == Kind::ConfigMap && name.is_some() {
            return self.config(name.unwrap_or_default());
        }
        if kind == Kind::Cache {
            return self.ring();
        }
        let mut table = self.table(kind, output != Output::Plain);
        if let Some(namespace) = namespace {
            table.retain("NAMESPACE", |cell| cell == namespace);
            table.without("NAMESPACE");
        }
        if let Some(name) = name {
            let column = if kind == Kind::Events { "OBJECT" } else { "NAME" };
            let known = table.cells(column);
            let is_it = |cell: &str| cell == name || cell.rsplit('/').next() == Some(name);
            if !known.iter().any(|cell| is_it(cell)) && (kind != Kind::Events || !self.exists(name)) {
                return Err(FleetError::unknown(singular(kind), name, &known));
            }
            table.retain(column, is_it);
        }
        Ok(table.print(output))
    }

    fn exists(&self, name: &str) -> bool {
        let nodes = self.table(Kind::Nodes, false).cells("NAME");
        self.table(Kind::Pods, false).cells("NAME").iter().chain(&nodes).any(|n| n == name)
    }

    fn table(&self, kind: Kind, wide: bool) -> Table {
        match kind {
            Kind::Pods => self.pod_table(wide),
            Kind::Nodes => self.node_table(),
            Kind::Endpoints => self.endpoint_table(),
            Kind::Hpa => self.hpa_table(),
            Kind::Deployments => self.deployment_table(),
            Kind::Events => self.event_table(),
            Kind::ConfigMap | Kind::Cache => self.config_table(),
        }
    }

    fn pod_table(&self, wide: bool) -> Table {
        let columns = ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"];
        let mut table = Table::new("pods", if wide { &columns } else { &columns[..6] });
        for (n, gateway) in self.survey.gateways.iter().enumerate() {
            let name = self.scene.gateway(GatewayId(n as u16));
            let ready = ready(gateway.up && gateway.endpoint);
            let (ip, node) = (format!("10.42.0.{}", 10 + n), format!("api-node-{n:03}"));
            let (status, restarts) = (self.gateway_status(n, gateway.up), self.gateway_restarts(n));
            table.row(["api".to_string(), name.clone(), ready, status, restarts, age(self.old_age(&name)), ip, node]);
        }
        for (pool, pod) in self.pods() {
            let name = pod_name(pool, pod);
            let node = pod.node.map_or("<none>".to_string(), |n| self.scene.node(n));
            let ip = pod.node.map_or("<none>".to_string(), |n| format!("10.42.{}.{}", 1 + n / 200, 10 + n % 200));
            let born = age(self.pod_age(&name));
            let restarts = self.pod_restarts(&name, pod);
            table.row([
                "serving".to_string(),
                name,
                ready(pod.endpoint),
                status(pod).to_string(),
                restarts,
                born,
                ip,
                node,
            ]);
        }
        for (n, member) in self.survey.cache.iter().flat_map(|c| &c.members).enumerate() {
            let name = self.scene.cache_node(n);
            let up = u8::from(member.tokens.is_some()) + u8::from(member.silent_since.is_none());
            let status = if up == 2 { "Running" } else { "NotReady" };
            let (ip, node) = (format!("10.42.250.{}", 10 + n), format!("kv-node-{n:03}"));
            let restarts = self.agent_restarts(n);
            let ready = format!("{up}/2");
            table.row([
                "kv-cache".to_string(),
                name.clone(),
                ready,
                status.to_string(),
                restarts,
                age(self.old_age(&name)),
                ip,
                node,
            ]);
        }
        table
    }

    fn gateway_status(&self, n: usize, up: bool) -> String {
        let last = self.facts.iter().rev().find_map(|fact| match fact.what {
            What::GatewayKilled(g) if g.index() == n => Some("OOMKilled"),
            What::GatewayStopped(g) if g.index() == n => Some("ContainerCreating"),
            _ => None,
        });
        if up { "Running" } else { last.unwrap_or("ContainerCreating") }.to_string()
    }

    /// As in `2 (41s ago)`.
    fn restarts(&self, is_one: impl Fn(&What) -> bool) -> String {
        let all: Vec<&Fact> = self.facts.iter().filter(|f| f.at <= self.now && is_one(&f.what)).collect();
        match all.last() {
            Some(last) => format!("{} ({} ago)", all.len(), age(self.now.since(last.at))),
            None => "0".to_string(),
        }
    }

    pub(super) fn gateway_restarts(&self, n: usize) -> String {
        self.restarts(|what| match what {
            What::GatewayKilled(g) | What::GatewayStopped(g) => g.index() == n,
            _ => false,
        })
    }

    fn agent_restarts(&self, n: usize) -> String {
        self.restarts(|what| matches!(what, What::AgentBack(node) if node.index() == n))
    }

    pub(super) fn pod_restarts(&self, name: &str, pod: &PodState) -> String {
        if pod.restarts == 0 {
            return "0".to_string();
        }
        let own = self.scene.replica(name);
        let last = self.facts.iter().rev().find(|f| matches!(f.what, What::ReplicaDown(_, r, _) if Some(r) == own));
        last.map_or(pod.restarts.to_string(), |f| format!("{} ({} ago)", pod.restarts, age(self.now.since(f.at))))
    }

    fn node_table(&self) -> Table {
        let mut table = Table::new("nodes", &["NAME", "STATUS", "ROLES", "AGE", "GPUS", "PODS"]);
        let mut add = |name: String, status: &str, role: &str, gpus: String, pods: String| {
            let since = age(self.old_age(&name));
            table.row([name, status.to_string(), role.to_string(), since, gpus, pods]);
        };
        for n in 0..self.survey.gateways.len() {
            add(format!("api-node-{n:03}"), "Ready", "api", "0".into(), self.scene.gateway(GatewayId(n as u16)));
        }
        for pool in &self.survey.pools {
            let out = self.cordoned(pool);
            for pod in pool.pods.iter().filter(|p| p.node.is_some()) {
                let node = pod.node.map(|n| self.scene.node(n)).unwrap_or_default();
                let status = if out.contains(&node) { "Ready,SchedulingDisabled" } else { "Ready" };
                add(node, status, "gpu", pool.gpus.to_string(), pod_name(pool, pod));
            }
            let used: Vec<String> = pool.pods.iter().filter_map(|p| p.node).map(|n| self.scene.node(n)).collect();
            for node in out.into_iter().filter(|node| !used.contains(node)) {
                add(node, "Ready,SchedulingDisabled", "gpu", pool.gpus.to_string(), "<none>".into());
            }
        }
        for n in 0..usize::from(self.survey.spare_nodes) {
            add(self.scene.node(self.scene.replicas() + n), "Ready", "gpu", "8".into(), "<none>".into());
        }
        for n in 0..self.survey.batch_nodes {
            add(format!("batch-node-{n:03}"), "Ready", "gpu,batch", "8".into(), "batch work".into());
        }
        for n in 0..self.survey.cache.as_ref().map_or(0, |c| c.members.len()) {
            add(format!("kv-node-{n:03}"), "Ready", "kv-cache", "0".into(), self.scene.cache_node(n));
        }
        table.sort("NAME");
        table
    }

    fn endpoint_table(&self) -> Table {
        let mut table = Table::new("endpoints", &["NAMESPACE", "NAME", "READY", "ENDPOINTS"]);
        let gateways = self.survey.gateways.iter().enumerate();
        let ready: Vec<String> =
            gateways.filter(|(_, g)| g.endpoint).map(|(n, _)| self.scene.gateway(GatewayId(n as u16))).collect();
        let count = format!("{}/{}", ready.len(), self.survey.gateways.len());
        table.row(["api".to_string(), "gateway".to_string(), count, listed(&ready)]);
        for pool in &self.survey.pools {
            let ready: Vec<String> = pool.pods.iter().filter(|p| p.endpoint).map(|p| pod_name(pool, p)).collect();
            let count = format!("{}/{}", ready.len(), pool.wanted);
            table.row(["serving".to_string(), pool.name.clone(), count, listed(&ready)]);
        }
        table
    }

    fn hpa_table(&self) -> Table {
        let columns = ["NAMESPACE", "NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "STATUS"];
        let mut table = Table::new("autoscalers", &columns);
        for pool in &self.survey.pools {
            let Some((spec, paused, _)) = &pool.autoscaler else { continue };
            table.row([
                "serving".to_string(),
                pool.name.clone(),
                format!("deployment/{}", pool.name),
                target(pool, spec.target),
                spec.min.to_string(),
                spec.max.to_string(),
                pool.wanted.to_string(),
                hpa_status(*paused, pool.metric).to_string(),
            ]);
        }
        table
    }

    fn deployment_table(&self) -> Table {
        let mut table = Table::new("deployments", &["NAMESPACE", "NAME", "READY", "AVAILABLE", "AGE"]);
        let mut add = |namespace: &str, name: &str, wanted: usize, there: usize| {
            let ready = format!("{there}/{wanted}");
            let since = age(self.old_age(name));
            table.row([namespace.to_string(), name.to_string(), ready, there.to_string(), since]);
        };
        for (namespace, name, wanted, there) in self.services() {
            add(namespace, &name, wanted, there);
        }
        table
    }

    /// Namespace, name, wanted and ready of everything that has pods.
    fn services(&self) -> Vec<(&'static str, String, usize, usize)> {
        let up = self.survey.gateways.iter().filter(|g| g.up && g.endpoint).count();
        let mut all = vec![("api", "gateway".to_string(), self.survey.gateways.len(), up)];
        for pool in &self.survey.pools {
            let there = pool.pods.iter().filter(|p| p.endpoint).count();
            all.push(("serving", pool.name.clone(), usize::from(pool.wanted), there));
        }
        if let Some(cache) = &self.survey.cache {
            let whole = |m: &&MemberState| m.silent_since.is_none() && m.tokens.is_some();
            all.push((
                "kv-cache",
                "kv-cache".to_string(),
                cache.members.len(),
                cache.members.iter().filter(whole).count(),
            ));
        }
        all
    }

    fn event_table(&self) -> Table {
        let mut table = Table::new("events", &["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
        for event in events(self) {
            let kind = if event.warning { "Warning" } else { "Normal" };
            let seen = age(self.now.since(event.at));
            table.row([seen, kind.to_string(), event.reason.to_string(), event.object, event.message]);
        }
        table
    }

    fn config_table(&self) -> Table {
        let mut table = Table::new("configmaps", &["NAME", "DATA"]);
        for service in self.configured() {
            let count = self.survey.settings.iter().filter(|(s, ..)| *s == service).count();
            table.row([service, count.to_string()]);
        }
        table
    }

    fn configured(&self) -> Vec<String> {
        let mut services: Vec<String> = Vec::new();
        for (service, ..) in &self.survey.settings {
            if !services.iter().any(|s| s == service) {
                services.push((*service).to_string());
            }
        }
        services
    }

    pub(super) fn config(&self, name: &str) -> Result<String, FleetError> {
        let prefix = format!("{name}.");
        let of_pool = |key: &str| self.survey.pools.iter().any(|p| p.name == name) && key.starts_with(&prefix);
        let own = self.survey.settings.iter().filter(|(service, key, _)| *service == name || of_pool(key));
        let mut table = Table::new("settings", &["SETTING", "VALUE"]);
        for (_, key, value) in own {
            table.row([key.strip_prefix(&prefix).unwrap_or(key).to_string(), value.clone()]);
        }
        if table.cells("SETTING").is_empty() {
            let pools = self.survey.pools.iter().map(|p| p.name.clone());
            return Err(FleetError::unknown(
                "service",
                name,
                &self.configured().into_iter().chain(pools).collect::<Vec<_>>(),
            ));
        }
        Ok(table.print(Output::Plain))
    }

    pub(super) fn ring(&self) -> Result<String, FleetError> {
        let cache = self.survey.cache.as_ref().ok_or_else(|| FleetError::new("this cell has no shared cache tier"))?;
        let mut table = Table::new("members", &["PLACE", "MEMBER", "MACHINE", "AGENT", "TOKENS", "FILL"]);
        for (n, member) in cache.members.iter().enumerate() {
            let agent =
                member.silent_since.map_or("heard".to_string(), |at| format!("silent {}", age(self.now.since(at))));
            let machine = if member.replaced { "spare" } else { "first" };
            let (held, fill) = member.tokens.map_or(("no answer".to_string(), "-".to_string()), |(held, room)| {
                (format!("{:.1}M of {:.1}M", held as f64 / 1e6, room as f64 / 1e6), percent(held, room))
            });
            table.row([n.to_string(), self.scene.cache_node(n), machine.to_string(), agent, held, fill]);
        }
        let replaced = cache.members.iter().filter(|m| m.replaced).count();
        Ok(format!(
            "{} members, {replaced} of them on spares; {} spares stand by; {} of the tier filled\n{}",
            cache.members.len(),
            cache.spares,
            percent(cache.tokens.0, cache.tokens.1),
            table.print(Output::Plain)
        ))
    }

    pub(super) fn router(&self, name: &str) -> Result<String, FleetError> {
        let pool = self.pool(name)?;
        let mut table = Table::new("endpoints", &["ENDPOINT", "READY", "PHASE", "RUNNING"]);
        for pod in &pool.pods {
            let ready = if pod.endpoint { "yes" } else { "no" };
            table.row([pod_name(pool, pod), ready.to_string(), status(pod).to_string(), pod.running.to_string()]);
        }
        let ready = pool.pods.iter().filter(|p| p.endpoint).count();
        Ok(format!("{name}: {}; {ready} ready\n{}", pool.policy, table.print(Output::Plain)))
    }

    pub(super) fn top_pods(&self) -> String {
        let mut table = Table::new("pods", &["NAME", "MEMORY", "LIMIT", "REQUESTS", "GPU POWER"]);
        for (n, gateway) in self.survey.gateways.iter().enumerate() {
            let memory = if gateway.up { format!("{:.0}Mi", gateway.memory_mib) } else { "-".to_string() };
            let limit = format!("{:.0}Mi", gateway.limit_mib);
            let name = self.scene.gateway(GatewayId(n as u16));
            table.row([name, memory, limit, gateway.in_flight.to_string(), "-".to_string()]);
        }
        for (pool, pod) in self.pods().filter(|(_, pod)| pod.phase == Phase::Running || pod.phase == Phase::Terminating)
        {
            let watts: f64 = pod.gpus.iter().map(|g| g.power_w).sum();
            let cells = [pod_name(pool, pod), "-".into(), "-".into(), pod.running.to_string(), format!("{watts:.0}W")];
            table.row(cells);
        }
        table.print(Output::Plain)
    }

    pub(super) fn top_nodes(&self) -> String {
        let mut table = Table::new("nodes", &["NAME", "GPU UTIL", "GPU POWER", "HOTTEST", "SLOWEST CLOCK"]);
        for (_, pod) in self.pods() {
            let Some(node) = pod.node else { continue };
            let watts: f64 = pod.gpus.iter().map(|g| g.power_w).sum();
            let hottest = pod.gpus.iter().map(|g| g.temperature_c).fold(0.0, f64::max);
            let clock = pod.gpus.iter().map(|g| g.clock).fold(1.0, f64::min);
            let util = if pod.busy { "100%" } else { "0%" };
            let clock = format!("{:.0} MHz", clock * super::gpu::NORMAL_CLOCK_MHZ);
            table.row([
                self.scene.node(node),
                util.to_string(),
                format!("{watts:.0}W"),
                format!("{hottest:.0}C"),
                clock,
            ]);
        }
        table.print(Output::Plain)
    }

    pub(super) fn rollout_history(&self, service: &str) -> Result<String, FleetError> {
        let mut own: Vec<_> = self.changes.iter().filter(|c| c.service == service).collect();
        own.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        if own.is_empty() {
            let mut known: Vec<String> = self.changes.iter().map(|c| c.service.clone()).collect();
            known.extend(self.services().into_iter().map(|(_, name, ..)| name));
            known.sort();
            known.dedup();
            if known.iter().any(|k| k == service) {
                return Ok(format!("No changes of {service} are on record.\n"));
            }
            return Err(FleetError::unknown("service", service, &known));
        }
        let mut table = Table::new("changes", &["REVISION", "CHANGE", "WHEN", "KIND", "ROLLOUT", "AUTHOR", "TITLE"]);
        for (n, change) in own.into_iter().enumerate() {
            let calendar = &self.scene.calendar;
            table.push(vec![
                (n + 1).to_string(),
                change.id.clone(),
                calendar.date_time_before(self.scene.open_at, -change.at_s),
                format!("{:?}", change.kind).to_lowercase(),
                format!("{:.0}%", 100.0 * change.rollout),
                change.author.clone(),
                change.title.clone(),
            ]);
        }
        Ok(table.print(Output::Plain))
    }

    pub(super) fn rollout_status(&self, service: Option<&str>) -> Result<String, FleetError> {
        let all = self.services();
        let known = || all.iter().map(|(_, name, ..)| name.clone()).collect::<Vec<_>>();
        if let Some(name) = service.filter(|s| !all.iter().any(|(_, name, ..)| name == s)) {
            return Err(FleetError::unknown("deployment", name, &known()));
        }
        let mut text = String::new();
        for (_, name, wanted, there) in all.iter().filter(|(_, name, ..)| service.is_none_or(|s| s == name)) {
            text.push_str(&match there < wanted {
                true => format!("deployment \"{name}\": {there} of {wanted} replicas are available\n"),
                false => format!("deployment \"{name}\" is complete: {there} of {wanted} replicas are available\n"),
            });
        }
        Ok(text)
    }
}

/// A pod's status as kubectl words it.
pub(super) fn status(pod: &PodState) -> &'static str {
    match pod.phase {
        Phase::Pending => "Pending",
        Phase::Starting => "ContainerCreating",
        Phase::Running => "Running",
        Phase::Terminating => "Terminating",
        Phase::Failed => "Error",
    }
}

/// Value over target, per replica; the query may have no answer.
pub(super) fn target(pool: &PoolState, target: f64) -> String {
    match pool.metric {
        Some(value) => format!("{:.1}/{target} (avg)", value / f64::from(pool.wanted.max(1))),
        None => format!("<unknown>/{target} (avg)"),
    }
}

fn hpa_status(paused: bool, metric: Option<f64>) -> &'static str {
    match (paused, metric) {
        (true, _) => "paused",
        (false, None) => "no metric",
        (false, Some(_)) => "active",
    }
}

fn ready(yes: bool) -> String {
    if yes { "1/1" } else { "0/1" }.to_string()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "<none>".to_string() } else { names.join(",") }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1}%", 100.0 * part as f64 / whole.max(1) as f64)
}

fn singular(kind: Kind) -> &'static str {
    match kind {
        Kind::Pods => "pod",
        Kind::Nodes => "node",
        Kind::Endpoints => "endpoint",
        Kind::Hpa => "autoscaler",
        Kind::Deployments => "deployment",
        Kind::Events => "object",
        Kind::ConfigMap => "configmap",
        Kind::Cache => "member",
    }
}
