//! Looks for the tools that tests need, for `#[cfg_attr(not(tool_NAME), ignore = "…")]`: a test whose tool is missing is
//! shown as ignored, with its reason. The packages `localstripe` and `tests` use this file too.
//!
//! Cargo runs it again when a tool that was missing may have appeared (the PATH or one of its folders changed), or one
//! that was there went. With `BILLFORM_REQUIRE_TOOLS=1` a missing tool counts as there: its tests run, and fail.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[path = "src/ministack/python.rs"]
#[allow(dead_code)]
mod python;

/// A tool: the name of its cfg, how it is found, and the packages with tests that need it. While a tool is missing,
/// cargo compiles these packages, and all that rest on them, again whenever something is installed.
struct Tool {
    cfg: &'static str,
    find: fn() -> Option<PathBuf>,
    packages: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool { cfg: "tool_python", find: usable_python, packages: &["localcloud", "tests"] },
    Tool { cfg: "tool_bash", find: || on_the_path("bash"), packages: &["tests"] },
    Tool { cfg: "tool_chromium", find: chromium, packages: &["tests"] },
    Tool { cfg: "tool_axe", find: || on_the_path("axe.min.js"), packages: &["tests"] },
    Tool { cfg: "tool_groff", find: || on_the_path("groff"), packages: &["tests"] },
    Tool { cfg: "tool_actionlint", find: || on_the_path("actionlint"), packages: &["tests"] },
    Tool { cfg: "tool_nise", find: || on_the_path("nise"), packages: &["tests"] },
    Tool { cfg: "tool_stripe", find: || on_the_path("stripe"), packages: &["localstripe"] },
    Tool { cfg: "tool_stripe_python", find: || on_the_path("stripe-python"), packages: &["localstripe"] },
    Tool { cfg: "tool_zizmor", find: || on_the_path("zizmor"), packages: &["tests"] },
];

/// Says which of the package's tools are there.
pub fn main() {
    let package = env::var("CARGO_PKG_NAME").expect("cargo names the package");
    for tool in TOOLS.iter().filter(|tool| tool.packages.contains(&package.as_str())) {
        println!("cargo:rustc-check-cfg=cfg({})", tool.cfg);
        let found = (tool.find)();
        match &found {
            Some(path) => println!("cargo:rerun-if-changed={}", path.display()),
            None => watch_for_it(),
        }
        if found.is_some() || env::var_os("BILLFORM_REQUIRE_TOOLS").is_some_and(|value| value == "1") {
            println!("cargo:rustc-cfg={}", tool.cfg);
        }
    }
}

/// Names what changes when a tool is installed.
fn watch_for_it() {
    println!("cargo:rerun-if-env-changed=BILLFORM_REQUIRE_TOOLS");
    println!("cargo:rerun-if-env-changed=PATH");
    for folder in path().filter(|folder| folder.is_dir()) {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    // Python may be there without what makes virtual environments: that is installed into its library.
    let python = python::NAMES.iter().find_map(|name| on_the_path(name));
    let library =
        python.and_then(|python| printed_path(&python, "import sysconfig; print(sysconfig.get_path('stdlib'))"));
    if let Some(library) = library {
        println!("cargo:rerun-if-changed={}", library.display());
    }
}

/// The browser, where its driver is there, too.
fn chromium() -> Option<PathBuf> {
    on_the_path("chromedriver").and(on_the_path("chromium"))
}

/// A path that a Python program prints, where there is something at it.
fn printed_path(python: &Path, program: &str) -> Option<PathBuf> {
    let output = Command::new(python).args(["-c", program]).stdin(Stdio::null()).output().ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(printed.trim())).filter(|path| path.exists())
}

fn path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn on_the_path(name: &str) -> Option<PathBuf> {
    path().map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A Python that is new enough and can make virtual environments: the program itself, since what stands for it on the
/// PATH may be written again at any time, as pyenv does.
fn usable_python() -> Option<PathBuf> {
    let usable = python::NAMES.iter().filter_map(|name| on_the_path(name)).find(|python| is_usable(python))?;
    printed_path(&usable, "import os, sys; print(os.path.realpath(sys.executable))")
}

fn is_usable(python: &Path) -> bool {
    let output = Command::new(python).args(["-c", python::PROBE]).stdin(Stdio::null()).output();
    output.is_ok_and(|output| {
        let version = python::version(&String::from_utf8_lossy(&output.stdout));
        output.status.success() && version.is_some_and(|version| version >= python::OLDEST)
    })
}
