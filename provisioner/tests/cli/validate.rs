//! `validate`: every problem at once, each with its place; and manifests that cannot be read.

use std::fs;

use crate::program::{Program, SMALL, checkout};

const TEN_MISTAKES: &str = r#"version: 1
project: client-billing
aws: { account: 123456789012, region: us-east-1 }
attribution: { tenant_tag: ClientOrganization }
currency: EURO
pricng: {}
pricing:
  tiered:
    fee:
      tiers:
        - { below: "50.00 USD", flat: "5.00 USD", percent: "5%" }
        - { flat: "9.00 USD" }
tenants:
  - id: acme
    name: Acme
    email: billing.acme.example
    tags: { ClientOrganization: Acme }
    pricing: teired
  - id: acme
    name: Beta
    tags: { ClientOrganization: Beta }
schedules: { daily: { expression: every morning } }
api: { surfaces: [portals] }
"#;

/// Line and column of each mistake.
const PLACES: [(u64, u64); 10] =
    [(3, 17), (5, 11), (6, 1), (11, 60), (16, 12), (18, 14), (19, 5), (19, 9), (22, 35), (23, 19)];

#[test]
fn ten_mistakes_are_ten_located_problems() {
    let program = Program::new();
    program.write("billform.yaml", TEN_MISTAKES);
    let human = program.run(&["validate"]);
    assert_eq!(human.status, 1);
    for (line, column) in PLACES {
        let place = format!("--> billform.yaml:{line}:{column}\n");
        assert!(human.stdout.contains(&place), "{place} is not in\n{}", human.stdout);
    }
    assert_eq!(human.stdout.matches("error: ").count(), 10, "{}", human.stdout);
    assert!(human.stdout.ends_with("10 problems.\n"), "{}", human.stdout);

    let ran = program.run(&["validate", "--format", "json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    let document = ran.json();
    assert_eq!(document["valid"], false);
    let found: Vec<(u64, u64)> = document["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|problem| {
            assert!(problem["file"] == "billform.yaml" && problem["message"].is_string(), "{problem}");
            assert!(problem["source_line"].is_string() && problem["hint"] != "", "{problem}");
            (problem["line"].as_u64().expect("a line"), problem["column"].as_u64().expect("a column"))
        })
        .collect();
    assert_eq!(found, PLACES);
}

#[test]
fn every_other_command_tells_the_same_problems() {
    let program = Program::new();
    program.write("billform.yaml", TEN_MISTAKES);
    for command in [["plan", "--refresh", "full"], ["state", "list", "-v"], ["tenant", "list", "-v"]] {
        let said = program.run(&command).failed();
        assert!(said.contains("the manifest has 10 problems"), "{said}");
        assert!(said.contains("--> billform.yaml:3:17"), "{said}");
    }
}

#[test]
fn a_sound_manifest_says_what_it_comes_to() {
    let program = Program::small();
    let said = program.run(&["validate"]).ok();
    assert!(said.starts_with("The manifest is sound: 1 tenant, "), "{said}");
    let document = program.run(&["validate", "--format", "json"]).json();
    assert_eq!((&document["valid"], &document["tenants"]), (&true.into(), &1.into()), "{document}");
    assert_eq!(document["problems"], serde_json::json!([]));
    let example = checkout("manifests/mmp-toledo.yaml");
    program.run(&["validate", "-f", example.to_str().expect("UTF-8")]).ok();
}

#[test]
fn a_folder_takes_tenants_and_environments_in() {
    let program = Program::small();
    program.write(
        "tenants/beta.yaml",
        "id: beta\nname: Beta\nemail: pay@beta.example\ntags: { ClientOrganization: Beta }\n",
    );
    program.write("tenants/notes.txt", "not a manifest");
    program.write("environments/test.yaml", "aws: { region: eu-west-1 }\n");
    let tenants = program.run(&["validate", "--format", "json"]).json()["tenants"].clone();
    assert_eq!(tenants, 2);
    let policy = program.run(&["permissions", "--environment", "test"]).ok();
    assert!(policy.contains(":eu-west-1:") && policy.contains("small-test-"), "{policy}");
    // The file alone is read when it is named.
    assert_eq!(program.run(&["validate", "-f", "billform.yaml", "--format", "json"]).json()["tenants"], 1);

    program.write("tenants/gamma.yaml", "id: acme\nname: G\nemail: g@g.example\ntags: { ClientOrganization: G }\n");
    let said = program.run(&["validate"]).stdout;
    assert!(said.contains("--> tenants/gamma.yaml:1:5") && said.contains("billform.yaml:6:"), "{said}");
    let said = program.run(&["validate", "--environment", "tset"]).stdout;
    assert!(said.contains("there is no environment `tset`") && said.contains("did you mean `test`?"), "{said}");
}

#[test]
fn a_manifest_that_is_not_there_is_told_with_the_remedy() {
    let program = Program::new();
    let said = program.run(&["validate"]).failed();
    assert!(said.contains("there is no billform.yaml in .") && said.contains("billform init"), "{said}");
    let said = program.run(&["validate", "-f", "nowhere.yaml"]).failed();
    assert!(said.contains("nowhere.yaml cannot be read") && said.contains("-f PATH"), "{said}");
    assert!(!program.path(".billform").exists(), "looking makes no folder");
}

#[test]
fn a_folder_where_a_file_should_be_is_told() {
    let program = Program::new();
    fs::create_dir(program.path("billform.yaml")).expect("a folder");
    let said = program.run(&["validate"]).failed();
    assert!(said.contains("billform.yaml cannot be read") && said.contains("directory"), "{said}");
    let program = Program::small();
    fs::create_dir_all(program.path("tenants/beta.yaml")).expect("a folder");
    let said = program.run(&["validate"]).failed();
    assert!(said.contains("tenants/beta.yaml cannot be read"), "{said}");
}

#[test]
fn text_that_is_not_utf_8_is_told_with_its_place() {
    let program = Program::new();
    program.write("billform.yaml", [SMALL.as_bytes(), b"# caf\xe9\n"].concat());
    program.write("tenants/beta.yaml", b"name: \xff\n");
    let ran = program.run(&["validate"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("--> billform.yaml:7:6"), "{}", ran.stdout);
    assert!(ran.stdout.contains("--> tenants/beta.yaml:1:7"), "both files are told: {}", ran.stdout);
    let document = program.run(&["validate", "--format", "json"]).json();
    assert_eq!(document["problems"][0]["line"], 7, "{document}");
}
