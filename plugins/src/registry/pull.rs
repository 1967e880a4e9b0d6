//! Plugins of registries, each fetched once: files named by the SHA-256 of what they hold, below the user's own cache.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sternlight_engine::problem::Problem;
use sternlight_engine::regular_file;
use tempfile::NamedTempFile;

use super::client::{Client, Patience, Refusal};
use super::manifest;
use super::reference::{Reference, Version, is_digest};
use crate::limits::readable_bytes;

/// Bytes of what is kept: the largest plugin.
const LARGEST: u64 = crate::loader::MAXIMUM_BYTES;

/// What was fetched from registries.
#[derive(Clone, Debug)]
pub(crate) struct Registries {
    /// None: plugins are fetched each time.
    cache: Option<PathBuf>,
}

impl Registries {
    /// Keeps what is fetched in a directory.
    pub(crate) fn new(cache: Option<PathBuf>) -> Self {
        Self { cache }
    }

    /// The plugin at an address without `oci://`. Who pins its SHA-256 gets it without asking a registry once it is here.
    ///
    /// # Errors
    /// Whatever keeps it from being here, placed at `uses`.
    pub(crate) fn plugin(
        &self,
        address: &str,
        sha256: Option<&str>,
        limit: u64,
        notice: &dyn Fn(&str),
    ) -> Result<Vec<u8>, Problem> {
        let wrong = || {
            Problem::at(["uses"], format!("`oci://{address}` is no address of a plugin"))
                .help("expected `oci://registry/name:tag` or `oci://registry/name@sha256:…`, names in small letters")
        };
        let reference = Reference::parse(address).ok_or_else(wrong)?;
        let pinned =
            sha256.map(|digits| format!("sha256:{}", digits.to_ascii_lowercase())).filter(|pin| is_digest(pin));
        if let Some(bytes) = pinned.and_then(|digest| self.kept(&digest)) {
            return Ok(bytes);
        }
        self.fetch(&reference, limit, notice).map_err(|refusal| {
            let mut problem = Problem::at(["uses"], format!("`oci://{address}`: {}", refusal.message));
            problem.help = refusal.help;
            if let Some(digest) = self.last(&reference).filter(|_| refusal.is_unreachable) {
                let Reference { registry, name, .. } = &reference;
                let help = format!("the one that was fetched last is here: `uses: oci://{registry}/{name}@{digest}`");
                problem.help = Some(help);
            }
            problem
        })
    }

    fn fetch(&self, reference: &Reference, limit: u64, notice: &dyn Fn(&str)) -> Result<Vec<u8>, Refusal> {
        let mut client = Client::new(reference, Patience::default());
        let manifest = match &reference.version {
            Version::Digest(digest) => match self.kept(digest) {
                Some(manifest) => manifest,
                None => as_asked(client.manifest(digest)?, digest)?,
            },
            Version::Tag(tag) => client.manifest(tag)?,
        };
        let layer = manifest::plugin(&manifest).map_err(Refusal::new)?;
        if layer.size > limit {
            return Err(Refusal::new(format!("it has {} bytes, too many for a plugin", layer.size)));
        }
        let bytes = match self.kept(&layer.digest) {
            Some(bytes) => bytes,
            None => {
                notice(&format!("fetching the plugin oci://{reference} ({})", readable_bytes(layer.size)));
                as_asked(client.blob(&layer.digest, layer.size)?, &layer.digest)?
            }
        };
        self.keep(&layer.digest, &bytes);
        let digest = digest_of(&manifest);
        self.keep(&digest, &manifest);
        if let Some(path) = self.path_of_last(reference) {
            told(&path, write(&path, digest.as_bytes()));
        }
        Ok(bytes)
    }

    /// What has this digest, if it is here, and is as it was.
    fn kept(&self, digest: &str) -> Option<Vec<u8>> {
        let bytes = regular_file::read(&self.path(digest)?, LARGEST).ok()?;
        (digest_of(&bytes) == digest).then_some(bytes)
    }

    fn keep(&self, digest: &str, bytes: &[u8]) {
        if let Some(path) = self.path(digest).filter(|_| self.kept(digest).is_none()) {
            told(&path, write(&path, bytes));
        }
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        Some(self.cache.as_ref()?.join(digest.replace(':', "-")))
    }

    /// Where the digest is kept that a name stood for when it was asked for last.
    fn path_of_last(&self, reference: &Reference) -> Option<PathBuf> {
        let name = blake3::hash(reference.to_string().as_bytes()).to_hex();
        Some(self.cache.as_ref()?.join(format!("last-{name}")))
    }

    /// The digest of a manifest of which everything is here.
    fn last(&self, reference: &Reference) -> Option<String> {
        let digest = fs::read_to_string(self.path_of_last(reference)?).ok().filter(|digest| is_digest(digest))?;
        let layer = manifest::plugin(&self.kept(&digest)?).ok()?;
        self.kept(&layer.digest).map(|_| digest)
    }
}

fn as_asked(bytes: Vec<u8>, digest: &str) -> Result<Vec<u8>, Refusal> {
    match digest_of(&bytes) {
        found if found == digest => Ok(bytes),
        found => Err(Refusal::new(format!("what the registry sent has the digest {found}, asked for {digest}"))),
    }
}

fn digest_of(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// Whoever finds a file of that name finds all of it.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or_else(|| io::Error::other("it lies in no directory"))?;
    fs::create_dir_all(directory)?;
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// What cannot be kept is fetched again.
fn told(path: &Path, written: io::Result<()>) {
    if let Err(error) = written {
        tracing::info!(path = %path.display(), %error, "what was fetched from a registry was not kept");
    }
}
