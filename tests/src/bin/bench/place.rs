//! Where one side runs: a fresh local cloud, a fresh folder, and an environment with nothing else in it.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use localcloud::{LocalCloud, Options};
use provisioner::cloud::secret_values;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use crate::{Fallible, binary, manifest};

/// A fresh local cloud, and a folder with the manifest and the bundle.
pub struct Place {
    /// The cloud.
    pub cloud: LocalCloud,
    /// Removed with everything in it at the end.
    folder: TempDir,
    /// The manifest.
    pub manifest: PathBuf,
    /// The bundle.
    pub bundle: PathBuf,
}

impl Place {
    /// A cloud with nothing in it. Policies are not enforced: what the emulator does for that is not billform's time.
    pub async fn start(tenants: usize) -> Fallible<Place> {
        let folder = tempfile::tempdir().map_err(|error| format!("making a folder: {error}"))?;
        let manifest = manifest::write(folder.path(), tenants)?;
        let bundle = folder.path().join("bundle.zip");
        fs::write(&bundle, bundle_bytes()?).map_err(|error| format!("writing the bundle: {error}"))?;
        let home = binary::target()?.join("localcloud");
        let cloud = LocalCloud::start(Options::new(home), &|line| eprintln!("{line}")).await;
        Ok(Place { cloud: cloud.map_err(|error| error.to_string())?, folder, manifest, bundle })
    }

    /// The program with the environment that reaches this cloud, and no other.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let cloud = self.cloud.description();
        command.env_clear().current_dir(self.folder.path()).envs([
            ("AWS_ENDPOINT_URL", cloud.aws_endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", &cloud.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &cloud.secret_access_key),
            ("AWS_REGION", &cloud.region),
            ("STRIPE_API_KEY", &cloud.stripe_api_key),
            ("STRIPE_API_BASE", &cloud.stripe_api_base),
        ]);
        command.env(secret_values::variable(manifest::SECRET), &cloud.stripe_api_key);
        command.env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }
}

/// Functions are made and never invoked, so any executable will do.
fn bundle_bytes() -> Fallible<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    let begun = zip.start_file("bootstrap", options).map_err(|error| error.to_string());
    begun.and_then(|()| zip.write_all(b"#!/bin/sh\nexit 0\n").map_err(|error| error.to_string()))?;
    zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
}
