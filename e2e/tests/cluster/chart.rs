//! The Helm chart: what it makes is what `deploy/` has, and a real API server takes it.
use rutter_e2e::{
    Cluster,
    cluster::{DEPLOY, helm},
};
use std::{fs, path::Path};

fn rendered(release: &str, namespace: &str, set: &[&str]) -> Option<String> {
    let chart = format!("{DEPLOY}/chart");
    let mut arguments = vec!["template", release, &chart, "--namespace", namespace];
    for value in set {
        arguments.extend(["--set", value]);
    }
    let said = helm(&arguments)?;
    assert!(said.is_done, "{}", said.stderr);
    Some(said.stdout)
}

/// What the API server would make of objects, one value a line, without what Helm labels and without times.
fn seen(cluster: &Cluster, objects: &str) -> Vec<String> {
    let columns = "jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} {.spec} {.rules} \
                   {.roleRef} {.subjects}{'\\n'}{end}";
    let as_list = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "-f",
        "-",
        "-o",
        columns,
    ];
    let said = cluster.done(&as_list, objects);
    let mut lines: Vec<_> = said.lines().map(ToOwned::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn the_chart_as_it_is_makes_what_the_manifests_have() {
    let Some(cluster) = Cluster::shared() else { return };
    let Some(chart) = rendered("traefik", "kube-system", &["dashboard.host=traefik.domain.com"])
    else {
        return;
    };
    let manifests = ["rbac.yaml", "deployment.yaml", "dashboard.yaml"]
        .map(|file| fs::read_to_string(Path::new(DEPLOY).join(file)).unwrap());
    // It is in the current namespace, and Helm's is that of the release.
    let release = "name: traefik-dashboard\n  namespace: kube-system\n";
    let manifests = manifests.map(|it| it.replace("name: traefik-dashboard\n", release));
    let want = seen(cluster, &manifests.join("\n---\n"));
    assert_eq!(want.len(), 7, "{want:#?}");
    assert_eq!(seen(cluster, &chart), want);
}

#[test]
fn every_value_of_the_chart_makes_objects_that_are_taken() {
    let Some(cluster) = Cluster::shared() else { return };
    for namespace in ["chart", "chart-a", "chart-b"] {
        cluster.make_namespace(namespace);
    }
    let set = [
        "namespaces={chart-a,chart-b}",
        "ingressClass=inner",
        "ingressClassResource=inner",
        "kind=DaemonSet",
        "minAvailable=1",
        "service.enabled=true",
        "dashboard.host=d.test",
        "dashboard.middlewares[0].name=auth",
        "kubernetesCRD.options.allowCrossNamespace=true",
        "kubernetesIngress.options.ingressEndpoint.ip=192.0.2.1",
        "entryPoints.websecure=null",
        "entryPoints.dns.port=53,entryPoints.dns.protocol=UDP",
        "entryPoints.traefik.port=9000",
        "podSecurityContext.runAsUser=1000",
        "imagePullSecrets[0].name=pull",
        "priorityClassName=system-node-critical",
        "podAnnotations.a=b",
        "serviceAccount.annotations.a=b",
        "arguments={--log.format=json}",
        "env[0].name=A,env[0].value=b",
        "volumes[0].name=x,volumes[0].emptyDir.medium=Memory",
        "volumeMounts[0].name=x,volumeMounts[0].mountPath=/x",
        "nodeSelector.a=b",
    ];
    let Some(objects) = rendered("edge", "chart", &set) else { return };
    let said = cluster.done(&["apply", "--server-side", "--validate=strict", "-f", "-"], &objects);
    let kinds =
        ["daemonset.apps/edge", "role.rbac.authorization.k8s.io/edge-objects", "service/edge"];
    for kind in kinds {
        assert!(said.contains(kind), "{said}");
    }
    let get = ["get", "daemonset", "edge", "-n", "chart", "-o"];
    let arguments = "jsonpath={.spec.template.spec.containers[0].args}";
    let arguments = cluster.done(&[&get[..], &[arguments]].concat(), "");
    for argument in [
        "--providers.kubernetescrd.namespaces=chart-a,chart-b",
        "--providers.kubernetescrd.ingressClass=inner",
        "--providers.kubernetescrd.allowCrossNamespace=true",
        "--providers.kubernetesingress.ingressEndpoint.ip=192.0.2.1",
        "--log.format=json",
    ] {
        assert!(arguments.contains(&format!("\"{argument}\"")), "{arguments}");
    }
    assert!(!arguments.contains("websecure"), "{arguments}");
}
