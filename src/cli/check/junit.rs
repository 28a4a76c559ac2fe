//! A check as JUnit XML: a suite for each scenario, a case for each clause and variant.

use minijinja::{AutoEscape, Environment, context};

use crate::cli::check::Report;
use crate::score::check::naive::{LIMIT, MOST_POINTS};
use crate::score::check::{Finding, Verdict};

const TEMPLATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
{%- for suite in suites %}
  <testsuite name="{{ suite.name }}" tests="{{ suite.cases|length }}" failures="{{ suite.failures }}" skipped="{{ suite.skipped }}">
  {%- for case in suite.cases %}
    <testcase classname="{{ suite.name }}" name="{{ case.name }}">
    {%- if case.verdict == "fails" %}
      <failure message="{{ case.says }}">{{ case.more }}</failure>
    {%- elif case.verdict == "open" %}
      <skipped message="{{ case.says }}"/>
    {%- endif %}
    </testcase>
  {%- endfor %}
  </testsuite>
{%- endfor %}
</testsuites>
"#;

/// Writes it.
pub fn xml(report: &Report) -> String {
    let mut suites = Vec::new();
    for checked in &report.scenarios {
        let cases: Vec<minijinja::Value> = checked.findings.iter().map(case).collect();
        let of = |verdict| checked.findings.iter().filter(|f| f.verdict == verdict).count();
        let (failures, skipped) = (of(Verdict::Fails), of(Verdict::Open));
        suites.push(context! { name => checked.name.clone(), cases, failures, skipped });
    }
    if !report.naive.is_empty() {
        let cases: Vec<minijinja::Value> = (report.naive.iter())
            .map(|fared| {
                let verdict = if fared.is_ahead() { "fails" } else { "holds" };
                let says = format!(
                    "right on {:.0} % of the pack, {:.0} % at most; up to {:.0} points, {MOST_POINTS:.0} at most",
                    fared.right * 100.0,
                    LIMIT * 100.0,
                    fared.points
                );
                context! { name => format!("{:?}", fared.player), verdict, says, more => "" }
            })
            .collect();
        let failures = report.naive.iter().filter(|f| f.is_ahead()).count();
        suites.push(context! { name => "players that do not look", cases, failures, skipped => 0 });
    }
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.render_str(TEMPLATE, context! { suites }).expect("the template is part of the program and tested")
}

fn case(finding: &Finding) -> minijinja::Value {
    let variant = finding.variant.as_deref().unwrap_or("all variants");
    let seeds: Vec<String> = finding.seeds.iter().map(u64::to_string).collect();
    context! {
        name => format!("{variant}: {}", finding.clause.law()),
        verdict => minijinja::Value::from(minijinja::value::Serde(finding.verdict)),
        says => finding.says.clone(),
        more => format!("seeds {}\n{}", seeds.join(" "), finding.show),
    }
}
