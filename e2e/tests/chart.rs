//! The Helm chart without a cluster: which values it takes, and that the router takes what it makes of them.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{
    Folder,
    cluster::{DEPLOY, Said, helm},
    process::run,
    setup::show,
};
use std::fs;

/// What the chart makes with values as in a file.
fn template(values: &[&str]) -> Option<Said> {
    let chart = format!("{DEPLOY}/chart");
    let mut arguments = vec!["template", "traefik", &chart, "--namespace", "kube-system"];
    for value in values {
        arguments.extend(["--set-json", value]);
    }
    helm(&arguments)
}

/// The router's arguments among rendered objects.
fn arguments(objects: &str) -> Vec<&str> {
    let items = objects.lines().filter_map(|line| line.trim_start().strip_prefix("- "));
    items.map(|item| item.trim_matches('"')).filter(|item| item.starts_with("--")).collect()
}

#[test]
fn lint_finds_nothing() {
    let Some(said) = helm(&["lint", "--strict", &format!("{DEPLOY}/chart")]) else { return };
    assert!(said.is_done && !said.stdout.contains("[WARNING]"), "{}{}", said.stdout, said.stderr);
}

#[test]
fn every_value_is_described_above_it() {
    let values = fs::read_to_string(format!("{DEPLOY}/chart/values.yaml")).unwrap();
    let lines: Vec<&str> = values.lines().collect();
    for (above, line) in lines.iter().zip(&lines[1..]) {
        let is_value = line.starts_with(|first: char| first.is_ascii_lowercase());
        assert!(!is_value || above.starts_with('#'), "values.yaml: {line}");
    }
}

#[test]
fn the_router_takes_the_arguments_that_values_make() {
    let cases: [(&[&str], &[&str]); 5] = [
        (
            &[],
            &["--providers.kubernetescrd", "--entryPoints.websecure.address=:443", "--accesslog"],
        ),
        (
            &[
                r#"namespaces=["a","b"]"#,
                r#"ingressClass="inner""#,
                r#"kubernetesCRD.options={"allowCrossNamespace":true,"labelSelector":"a=b"}"#,
                r#"kubernetesIngress.options={"ingressEndpoint":{"publishedService":"a/b"}}"#,
            ],
            &[
                "--providers.kubernetescrd.namespaces=a,b",
                "--providers.kubernetesingress.ingressClass=inner",
                "--providers.kubernetescrd.allowCrossNamespace=true",
                "--providers.kubernetescrd.labelSelector=a=b",
                "--providers.kubernetesingress.ingressEndpoint.publishedService=a/b",
            ],
        ),
        (
            &[r#"kubernetesCRD.options={"namespaces":["a","b"]}"#],
            &["--providers.kubernetescrd.namespaces=a,b"],
        ),
        (
            &[
                r#"entryPoints.dns={"port":53,"protocol":"UDP"}"#,
                r#"entryPoints.web={"port":8080,"hostPort":null}"#,
                r#"entryPoints.traefik={"port":9000}"#,
            ],
            &[
                "--entryPoints.dns.address=:53/udp",
                "--entryPoints.web.address=:8080",
                "--entryPoints.traefik.address=:9000",
            ],
        ),
        (
            &[
                "kubernetesCRD.enabled=false",
                "log.access=false",
                r#"arguments=["--log.format=json","--entryPoints.web.forwardedHeaders.trustedIPs=10.0.0.0/8"]"#,
            ],
            &["--log.format=json", "--entryPoints.web.forwardedHeaders.trustedIPs=10.0.0.0/8"],
        ),
    ];
    for (values, want) in cases {
        let Some(said) = template(values) else { return };
        assert!(said.is_done, "{values:?}: {}", said.stderr);
        let made = arguments(&said.stdout);
        for argument in want {
            assert!(made.contains(argument), "{values:?}: no {argument} in {made:?}");
        }
        let checked = run(&[&["check"], &made[..]].concat(), &[]);
        assert_eq!(checked.code, 0, "{values:?}: {}{}", checked.stdout, checked.stderr);
    }
}

#[test]
fn the_values_in_its_readme_make_two_routers_behind_a_service() {
    let readme = fs::read_to_string(format!("{DEPLOY}/chart/README.md")).unwrap();
    let (_, values) = readme.split_once("```yaml\n").unwrap();
    let (values, _) = values.split_once("```").unwrap();
    let folder = Folder::new();
    let file = show(&folder.write("values.yaml", values));
    let chart = format!("{DEPLOY}/chart");
    let said = helm(&["template", "traefik", &chart, "-n", "kube-system", "--values", &file]);
    let Some(said) = said else { return };
    assert!(said.is_done, "{}", said.stderr);
    for line in ["replicas: 2", "type: LoadBalancer", "maxSurge: 1", "kind: PodDisruptionBudget"] {
        assert!(said.stdout.contains(line), "no {line} in {}", said.stdout);
    }
    assert!(!said.stdout.contains("hostPort"), "{}", said.stdout);
    let checked = run(&[&["check"], &arguments(&said.stdout)[..]].concat(), &[]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
}

#[test]
fn the_probes_follow_the_entry_point_that_answers_them() {
    let values = [r#"entryPoints.traefik={"port":9000}"#, "service.enabled=true"];
    let Some(said) = template(&values) else { return };
    assert_eq!(said.stdout.matches(" port: 9000").count(), 2, "{}", said.stdout);
    assert!(!said.stdout.contains("targetPort: traefik"), "{}", said.stdout);
}

#[test]
fn values_that_cannot_be_meant_are_refused_with_their_name() {
    for (value, words) in [
        ("replica=2", "additional properties 'replica' not allowed"),
        (r#"kubernetesCRD.option={}"#, "at '/kubernetesCRD': additional properties 'option'"),
        (r#"kind="Daemonset""#, "at '/kind': value must be one of 'Deployment', 'DaemonSet'"),
        (r#"log.level="info""#, "at '/log/level': value must be one of"),
        (r#"image.tag=1.10"#, "at '/image/tag': got number, want string"),
        (r#"entryPoints.web={"hostPort":80,"port":null}"#, "at '/entryPoints/web'"),
        (r#"entryPoints.web.port=70000"#, "at '/entryPoints/web/port'"),
        (r#"entryPoints.a-name-too-long-for-a-port.port=1"#, "'a-name-too-long-for-a-port'"),
        (r#"entryPoints.web.port=8080"#, "give that another: entryPoints.traefik.port"),
    ] {
        let Some(said) = template(&[value]) else { return };
        assert!(!said.is_done && said.stderr.contains(words), "{value}: {}", said.stderr);
    }
}
