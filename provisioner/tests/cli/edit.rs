//! `tenant add`, `set`, `remove` and `fmt`: the manifest edited on disk.

use crate::program::{Program, SMALL};

const ADD: &[&str] =
    &["tenant", "add", "beta", "--name", "Beta: Ltd", "--email", "ar@beta.example", "--tag", "ClientOrganization=Beta"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().chain(more).copied().collect()
}

#[test]
fn a_tenant_is_added_changed_and_removed_again() {
    let program = Program::small();
    let said = program.run(ADD).ok();
    let line = r#"  - { id: beta, name: "Beta: Ltd", email: ar@beta.example, tags: { ClientOrganization: Beta } }"#;
    assert!(said.starts_with("--- billform.yaml\n+++ billform.yaml\n@@ "), "{said}");
    assert!(said.ends_with(&format!("\n+{line}\n")), "{said}");
    assert_eq!(program.read("billform.yaml"), format!("{SMALL}{line}\n"));
    assert!(program.run(&["validate"]).ok().contains("2 tenants"));

    let document = program.run(&["tenant", "set", "beta", "--locale", "de-DE", "--format", "json"]).json();
    assert_eq!((&document["file"], &document["written"]), (&"billform.yaml".into(), &true.into()));
    let tenants = program.run(&["tenant", "list", "--format", "json"]).json();
    assert_eq!(tenants[1]["name"], "Beta: Ltd");
    let said = program.run(&["tenant", "set", "beta", "--locale", "de-DE"]).ok();
    assert_eq!(said, "No changes: the manifest says so already.\n");

    program.run(&["tenant", "remove", "beta"]).ok();
    assert_eq!(program.read("billform.yaml"), SMALL);
}

#[test]
fn a_dry_run_shows_and_writes_nothing() {
    let program = Program::small();
    let said = program.run(&with(ADD, &["--dry-run"])).ok();
    assert!(said.contains("+  - { id: beta"), "{said}");
    assert_eq!(program.read("billform.yaml"), SMALL);
}

#[test]
fn what_is_wrong_leaves_the_file_as_it_was() {
    let program = Program::small();
    for (arguments, says) in [
        (with(ADD, &["--pricing", "premium"]), "premium"),
        (with(ADD, &["--currency", "XXX"]), "XXX"),
        (
            with(
                &["tenant", "add", "twin", "--name", "T"],
                &["--email", "t@twin.example", "--tag", "ClientOrganization=Acme", "--tag", "Environment=prod"],
            ),
            "acme",
        ),
        (
            with(
                &["tenant", "add", "acme", "--name", "A"],
                &["--email", "a@acme.example", "--tag", "ClientOrganization=A"],
            ),
            "already",
        ),
        (with(&["tenant", "set", "acme"], &["--email", "no address"]), "email"),
        (with(&["tenant", "set", "acme"], &["--unset", "budget"]), "budget"),
        (with(&["tenant", "set", "acme"], &[]), "nothing is to be set"),
        (with(&["tenant", "remove", "amce"], &[]), "acme"),
    ] {
        let said = program.run(&arguments).failed();
        assert!(said.contains(says), "{arguments:?}: {said}");
        assert_eq!(program.read("billform.yaml"), SMALL, "{arguments:?}");
    }
}

#[test]
fn a_tenant_may_be_known_by_several_tags() {
    let program = Program::small();
    program.run(&with(ADD, &["--tag", "Environment=prod"])).ok();
    let written = program.read("billform.yaml");
    assert!(written.contains("tags: { ClientOrganization: Beta, Environment: prod }"), "{written}");
    program.run(&["validate"]).ok();
}

#[test]
fn a_folder_of_tenants_gets_a_file_and_loses_it() {
    let program = Program::small();
    let beta = "id: beta\nname: Beta\nemail: b@beta.example\ntags: { ClientOrganization: Beta }\n";
    program.write("tenants/beta.yaml", beta);
    let said = program
        .run(&["tenant", "add", "gamma", "--name", "Gamma", "--email", "c@c.example", "--tag", "ClientOrganization=C"])
        .ok();
    assert!(said.starts_with("--- /dev/null\n+++ tenants/gamma.yaml\n"), "{said}");
    assert!(program.run(&["validate"]).ok().contains("3 tenants"));
    program.run(&["tenant", "remove", "beta"]).ok();
    assert!(!program.path("tenants/beta.yaml").exists());
    assert_eq!(program.read("billform.yaml"), SMALL);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_manifest_stays_a_link_and_its_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let program = Program::new();
    program.write("real/manifest.yaml", SMALL);
    std::fs::set_permissions(program.path("real/manifest.yaml"), std::fs::Permissions::from_mode(0o640)).expect("set");
    symlink("real/manifest.yaml", program.path("billform.yaml")).expect("a link");
    program.run(ADD).ok();
    assert!(program.path("billform.yaml").is_symlink());
    assert!(program.read("real/manifest.yaml").contains("id: beta"));
    let mode = std::fs::metadata(program.path("real/manifest.yaml")).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn edits_at_once_wait_for_each_other() {
    let program = Program::small();
    let ids: Vec<String> = (0..8).map(|number| format!("t{number}")).collect();
    std::thread::scope(|scope| {
        for id in &ids {
            let program = &program;
            scope.spawn(move || {
                let tag = format!("ClientOrganization={id}");
                program.run(&["tenant", "add", id, "--name", id, "--email", "a@b.example", "--tag", &tag]).ok();
            });
        }
    });
    assert!(program.run(&["validate"]).ok().contains("9 tenants"));
}

#[cfg(unix)]
#[test]
fn a_link_beside_the_manifest_is_not_written_through() {
    let program = Program::small();
    program.write("victim", "important");
    for name in ["billform.yaml.new", ".billform.yaml.billform-new"] {
        std::os::unix::fs::symlink("victim", program.path(name)).expect("a link");
    }
    program.run(ADD).ok();
    assert_eq!(program.read("victim"), "important");
    assert!(!program.path("billform.yaml").is_symlink() && program.read("billform.yaml").contains("id: beta"));
}

#[test]
fn what_a_new_tenant_lacks_is_named_by_its_option() {
    let program = Program::small();
    let said = program.run(&["tenant", "add", "beta"]).failed();
    assert!(said.contains("--name, --email, --tag KEY=VALUE") && said.contains("nothing was written"), "{said}");
    let said = program.run(&["tenant", "add", "../x"]).failed();
    assert!(said.contains("`../x` is no id"), "{said}");
}

#[test]
fn fmt_puts_files_in_order_and_check_writes_nothing() {
    let program = Program::new();
    let loose = SMALL.replace("version: 1\n", "") + "version: 1   # the format\n";
    program.write("billform.yaml", &loose);
    let checked = program.run(&["fmt", "--check"]);
    assert_eq!((checked.status, program.read("billform.yaml")), (1, loose.clone()));
    assert!(checked.stdout.contains("+version: 1   # the format\n"), "{}", checked.stdout);
    assert_eq!(program.run(&["fmt"]).ok(), "billform.yaml\n");
    assert!(program.read("billform.yaml").starts_with("version: 1   # the format\nproject: small\n"));
    assert_eq!(program.run(&["fmt", "--check"]).ok(), "The manifest is in its standard form.\n");

    program.write("billform.yaml", "version: 1\nversion: 2\n");
    assert!(program.run(&["fmt"]).failed().contains("second time"));
}
