//! Medians and ratios.

use super::Sample;
use super::sides::{OURS, PLAIN, Side};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// All samples; metrics and sides in the order in which they came first.
#[derive(Default)]
pub struct Table {
    metrics: Vec<(&'static str, &'static str)>,
    names: Vec<&'static str>,
    samples: BTreeMap<(&'static str, &'static str), Vec<f64>>,
}

impl Table {
    pub fn take(&mut self, samples: Vec<Sample>) {
        for Sample { metric, unit, whose, value } in samples {
            if !self.metrics.contains(&(metric, unit)) {
                self.metrics.push((metric, unit));
            }
            if !self.names.contains(&whose) {
                self.names.push(whose);
            }
            self.samples.entry((metric, whose)).or_default().extend(value);
        }
    }

    fn median(&self, metric: &'static str, whose: &'static str) -> Option<f64> {
        let mut sorted = self.samples.get(&(metric, whose))?.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }

    /// How many times as much as the others' the median of ours is: the plain disk's, and that of the best peer.
    fn ratios(&self, metric: &'static str) -> [Option<f64>; 2] {
        let of = |other: Option<f64>| Some(self.median(metric, OURS)? / other?);
        let peers = self.names.iter().filter(|name| Side::is_peer(name));
        let best = peers.filter_map(|name| self.median(metric, name)).max_by(f64::total_cmp);
        [of(self.median(metric, PLAIN)), of(best)]
    }

    /// For people.
    pub fn markdown(&self, facts: &Value) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} cores ({}), {} MiB, Linux {}, {}; requests through {}; {} rounds.\n",
            facts["processors"],
            facts["processor"].as_str().unwrap_or_default(),
            facts["memory_mib"],
            facts["kernel"].as_str().unwrap_or_default(),
            facts["filesystem"].as_str().unwrap_or_default(),
            facts["transport"].as_str().unwrap_or_default(),
            facts["rounds"],
        );
        let _ = writeln!(text, "| | {} | to plain | to the best peer |", self.names.join(" | "));
        let _ = writeln!(text, "|{}", " --- |".repeat(self.names.len() + 3));
        for (metric, unit) in &self.metrics {
            let _ = write!(text, "| {metric}, {unit} |");
            for name in &self.names {
                let _ = write!(text, " {} |", figure(self.median(metric, name)));
            }
            let ratios = self
                .ratios(metric)
                .map(|ratio| ratio.map_or("".into(), |ratio| format!("{ratio:.2}")));
            let _ = writeln!(text, " {} | {} |", ratios[0], ratios[1]);
        }
        text
    }

    /// For programs, with every sample.
    pub fn json(&self, facts: &Value) -> String {
        let metric = |(metric, unit): &(&'static str, &'static str)| {
            let samples: serde_json::Map<_, _> = self
                .names
                .iter()
                .filter_map(|name| {
                    Some(((*name).to_owned(), json!(self.samples.get(&(*metric, *name))?)))
                })
                .collect();
            let [plain, peer] = self.ratios(metric);
            json!({ "name": metric, "unit": unit, "samples": samples, "to_plain": plain, "to_best_peer": peer })
        };
        let metrics: Vec<_> = self.metrics.iter().map(metric).collect();
        serde_json::to_string_pretty(&json!({ "facts": facts, "metrics": metrics })).unwrap()
    }
}

fn figure(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}
