//! Calls a stage for batches of trajectories, in one thread or several, and prints what that took: as the engine does it,
//! with an instance for each thread, and without anything around it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use serde_json::json;
use sternlight_engine::stage::{BuildContext, TaskContext, Transform};
use sternlight_engine::stage::{
    Built, Context, Output, PluginGrants, PluginLimits, PluginLoader as _, PluginRequest, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;
use sternlight_plugins::Plugins;

use crate::generate;

/// A stage as a pipeline names it.
pub(crate) struct Asked<'a> {
    /// A built-in stage, or the path of a plugin.
    pub(crate) uses: &'a str,
    /// Its options, in YAML.
    pub(crate) with: &'a str,
    /// Where machine code is kept.
    pub(crate) cache: &'a Path,
}

/// Seconds of CPU time that this thread has worked (`proc_pid_schedstat(5)`).
fn worked() -> f64 {
    // The kernel counts at ticks, and when a thread lets others go first.
    thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Prints seconds, and the sum of all rewards, so that everybody's can be compared.
pub(crate) fn measure(asked: &Asked<'_>, trajectories: usize, rows: usize, threads: usize) {
    let built = built(asked);
    let Work::Transform(transform) = built.stage.work() else { panic!("`{}` is no transform", asked.uses) };
    let batches: Vec<TrajectoryBatch> =
        (0..trajectories).step_by(rows).map(|from| generate::batch(from, rows.min(trajectories - from))).collect();
    // The first call starts the instance, and fetches memory.
    apply(transform, &batches[..1]);
    let started = Instant::now();
    let cpu_and_sums: Vec<(f64, f64)> = thread::scope(|scope| {
        let share = batches.len().div_ceil(threads);
        let workers: Vec<_> = batches
            .chunks(share)
            .map(|batches| {
                scope.spawn(move || {
                    let before = worked();
                    let sum = apply(transform, batches);
                    (worked() - before, sum)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let wall = started.elapsed().as_secs_f64();
    let cpu: f64 = cpu_and_sums.iter().map(|(cpu, _)| cpu).sum();
    let sum: f64 = cpu_and_sums.iter().map(|(_, sum)| sum).sum();
    println!("{}", json!({ "cpu": cpu, "wall": wall, "sum": sum }));
}

fn built(asked: &Asked<'_>) -> Built {
    let with = serde_yaml::from_str(asked.with).unwrap();
    let directory = std::env::current_dir().unwrap();
    if let Some(kind) = sternlight_stages::registry().get(asked.uses) {
        let context = BuildContext::new(&directory, &directory);
        return kind.build(with, &context).ok().unwrap();
    }
    let plugins = Arc::new(Plugins::new(Some(asked.cache.to_owned()), |notice| eprintln!("{notice}")));
    let request = PluginRequest {
        stage: "reward",
        address: asked.uses,
        with: &with,
        sha256: None,
        keep: None,
        limits: PluginLimits::default(),
        allow: &PluginGrants::default(),
        seed: 0,
        directory: &directory,
    };
    plugins.load(&request).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The sum of the rewards of all batches, by one instance.
fn apply(transform: &dyn Transform, batches: &[TrajectoryBatch]) -> f64 {
    let mut session = transform.begin(&TaskContext::alone()).unwrap();
    let mut context = Context::default();
    for batch in batches {
        let Output::Columns(columns) = session.apply(batch, &mut context).unwrap() else { panic!("no columns") };
        assert_eq!(columns[0].len(), batch.rows());
    }
    context.metrics.distribution("reward").map_or(0.0, |rewards| rewards.mean * rewards.count as f64)
}
