//! Which stages pipelines may use: those that ship, and plugins where this program was built with them.

use sternlight_engine::stage::Registry;

#[cfg(feature = "plugins")]
use crate::output::errln;

/// Everything that `uses` may name.
#[cfg(feature = "plugins")]
pub(crate) fn registry() -> Registry {
    sternlight_stages::registry().with_plugins(plugins() as _)
}

/// The plugins of this process: what is compiled for one pipeline is there for the next.
#[cfg(feature = "plugins")]
pub(crate) fn plugins() -> std::sync::Arc<sternlight_plugins::Plugins> {
    use std::sync::{Arc, OnceLock};

    use sternlight_plugins::Plugins;

    static PLUGINS: OnceLock<Arc<Plugins>> = OnceLock::new();
    let machine_code = || cache_directory().map(|caches| caches.join("plugins"));
    Arc::clone(PLUGINS.get_or_init(|| Arc::new(Plugins::new(machine_code(), notice))))
}

/// Everything that `uses` may name.
#[cfg(not(feature = "plugins"))]
pub(crate) fn registry() -> Registry {
    sternlight_stages::registry()
}

/// Where what can be made again is kept: below the user's own cache directory, as the XDG specification has it.
#[cfg(feature = "plugins")]
pub(crate) fn cache_directory() -> Option<std::path::PathBuf> {
    use std::path::PathBuf;

    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("sternlight"))
}

/// What takes seconds, for people.
#[cfg(feature = "plugins")]
pub(crate) fn notice(text: &str) {
    if tracing::enabled!(tracing::Level::WARN) {
        errln!("{text}");
    }
}
