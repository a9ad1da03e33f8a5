//! Rutter on a real API server of Kubernetes.
#![allow(clippy::unwrap_used, reason = "a test panics on what it did not expect")]
use rutter_e2e::{
    Cluster, Setup,
    cluster::{DEPLOY, slice, slice_of},
    eventually, eventually_within,
};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

#[path = "cluster/chart.rs"]
mod chart;
#[path = "cluster/tutorial.rs"]
mod tutorial;

#[test]
fn what_is_deployed_is_accepted_and_may_be_applied_again() {
    let Some(cluster) = Cluster::shared() else { return };
    for file in ["crds.yaml", "rbac.yaml", "deployment.yaml", "dashboard.yaml"] {
        let said = cluster.apply_file(&Path::new(DEPLOY).join(file), &[]);
        let is_applied = said.lines().all(|line| line.ends_with(" serverside-applied"));
        assert!(is_applied && !said.is_empty(), "{said}");
    }
    let said = cluster.done(&["apply", "--server-side", "--validate=strict", "-k", DEPLOY], "");
    assert!(said.contains("deployment.apps/traefik serverside-applied"), "{said}");
    let said = cluster.done(&["get", "ingressroute"], "");
    assert!(said.contains("traefik-dashboard"), "not as Traefik's guide has it: {said}");
}

#[test]
fn the_deployment_takes_the_place_of_one_that_was_written_for_traefik() {
    let Some(cluster) = Cluster::shared() else { return };
    cluster.make_namespace("replaced");
    for path in
        [tutorial::file("04-deployment-acme.yaml"), Path::new(DEPLOY).join("deployment.yaml")]
    {
        let text = fs::read_to_string(path).unwrap();
        cluster.apply("replaced", &text.replace("kube-system", "replaced"));
    }
    let get = ["get", "deployment", "traefik", "-n", "replaced", "-o"];
    let image = "jsonpath={.spec.template.spec.containers[*].image}";
    assert_eq!(cluster.done(&[&get[..], &[image]].concat(), ""), "rutter:latest");
}

#[test]
fn what_is_wrong_is_refused_and_the_reason_is_told() {
    let Some(cluster) = Cluster::shared() else { return };
    let route = |route: &str| ("IngressRoute", format!("{{routes: [{route}]}}"));
    let middleware = |spec: &str| ("Middleware", spec.to_owned());
    for ((kind, spec), want) in [
        (
            route("{match: Host(`a.test`), service: [{name: a, port: 80}]}"),
            ".spec.routes[0].service: field not declared in schema",
        ),
        (route("{match: 7}"), ".spec.routes[0].match: expected string"),
        (route("{kind: Rule}"), "spec.routes[0].match: Required value"),
        (
            route("{match: Host(`a.test`), kind: Rules}"),
            "spec.routes[0].kind: Unsupported value: \"Rules\": supported values: \"Rule\"",
        ),
        (
            route("{match: Host(`a.test`), services: [{name: a, port: 70000}]}"),
            "spec.routes[0].services[0].port in body should be less than or equal to 65535",
        ),
        (
            middleware("{addPrefix: {prefx: /a}}"),
            ".spec.addPrefix.prefx: field not declared in schema",
        ),
        (middleware("{redirectScheme: {port: [1]}}"), ".spec.redirectScheme.port: expected string"),
        (middleware("{inFlightReq: {amount: many}}"), ".spec.inFlightReq.amount: expected numeric"),
    ] {
        for group in ["traefik.io", "traefik.containo.us"] {
            let said = cluster.refused(
                "default",
                &format!(
                    "{{apiVersion: {group}/v1alpha1, kind: {kind}, metadata: {{name: wrong}}, \
                     spec: {spec}}}"
                ),
            );
            assert!(said.contains(want), "{spec}: {said}");
        }
    }
}

#[test]
fn kubectl_explains_the_kinds() {
    let Some(cluster) = Cluster::shared() else { return };
    let said = cluster.done(&["explain", "ingressroutes.traefik.io.spec.routes"], "");
    for text in ["match\t<string> -required-", "The rule, such as Host(`a.example`)"] {
        assert!(said.contains(text), "{said}");
    }
    let said = cluster.done(&["explain", "middlewares.traefik.containo.us.spec.stripPrefix"], "");
    assert!(said.contains("prefixes\t<[]string>"), "{said}");
}

/// One that reads a namespace of its own.
fn start(cluster: &Cluster, namespace: &str, arguments: &[&str]) -> Setup {
    cluster.make_namespace(namespace);
    let namespaces = ["crd", "ingress"]
        .map(|provider| format!("--providers.kubernetes{provider}.namespaces={namespace}"));
    let mut all = vec!["--providers.kubernetescrd", "--providers.kubernetesingress"];
    all.extend(namespaces.iter().map(String::as_str));
    all.extend_from_slice(arguments);
    cluster.rutter(&all)
}

/// A Service `app`, and a route `app.test` to it.
const APP: &str = "
{apiVersion: v1, kind: Service, metadata: {name: app}, spec: {ports: [{name: web, port: 80}]}}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: app}
spec: {routes: [{match: Host(`app.test`), kind: Rule, services: [{name: app, port: web}]}]}
";

/// Who answers requests for a host: asked four times.
fn answers(setup: &Setup, host: &str) -> BTreeSet<String> {
    (0..4).map(|_| setup.curl(host, "/", &[]).body).collect()
}

fn await_answers(setup: &Setup, host: &str, want: &[&str]) {
    let want: BTreeSet<_> = want.iter().map(|&it| it.to_owned()).collect();
    eventually(&format!("{host} is answered by {want:?}"), || {
        (answers(setup, host) == want).then_some(())
    });
}

#[test]
fn a_pod_gets_requests_while_it_is_ready() {
    let Some(cluster) = Cluster::shared() else { return };
    let setup = start(cluster, "pods", &[]);
    let (one, two) = (cluster.pod("one", 8080), cluster.pod("two", 8080));
    cluster.apply("pods", APP);
    let ready = "{ready: true, serving: true, terminating: false}";
    let starting = "{ready: false, serving: false, terminating: false}";
    let leaving = "{ready: false, serving: true, terminating: true}";
    for (first, second, want) in [
        (ready, starting, &["one"][..]),
        (ready, ready, &["one", "two"]),
        (leaving, ready, &["two"]),
        // Rather than nobody.
        (leaving, leaving, &["one", "two"]),
        (ready, leaving, &["one"]),
    ] {
        let pods = [(&one, first), (&two, second)];
        cluster.apply("pods", &slice_of("app", "web", &pods));
        await_answers(&setup, "app.test", want);
    }
    cluster.done(&["delete", "endpointslice", "app-1", "-n", "pods"], "");
    eventually("nobody answers", || (setup.curl("app.test", "/", &[]).status == 404).then_some(()));
}

#[test]
fn middlewares_and_the_secrets_they_name_are_in_force() {
    let Some(cluster) = Cluster::shared() else { return };
    let setup = start(cluster, "middlewares", &[]);
    let pod = cluster.echo(80);
    cluster.apply("middlewares", &slice("app", "web", &[&pod]));
    cluster.apply(
        "middlewares",
        "
{apiVersion: v1, kind: Service, metadata: {name: app}, spec: {ports: [{name: web, port: 80}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: users}
# alice, whose password is wonderland.
stringData: {users: 'alice:{SHA}tiY7sUhYKUwI5L3866kDY+ENcrQ='}
---
{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {name: auth}, spec: {basicAuth: {secret: users}}}
---
{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {name: strip}, spec: {stripPrefix: {prefixes: [/api]}}}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: app}
spec:
  routes:
    - match: Host(`app.test`) && PathPrefix(`/api`)
      kind: Rule
      services: [{name: app, port: 80}]
      middlewares: [{name: auth}, {name: strip}]
",
    );
    setup.await_routed_at("app.test", "/api/x");
    assert_eq!(setup.curl("app.test", "/api/x", &[]).status, 401);
    let reply = setup.curl("app.test", "/api/x", &["--user", "alice:wonderland"]);
    assert!(reply.body.starts_with("GET /x HTTP/1.1"), "{reply:?}");
}

#[test]
fn an_ingress_is_served_and_a_change_of_it_too() {
    let Some(cluster) = Cluster::shared() else { return };
    let setup = start(cluster, "ingress", &[]);
    let (one, two) = (cluster.pod("one", 80), cluster.pod("two", 80));
    for (name, pod) in [("one", &one), ("two", &two)] {
        cluster.apply(
            "ingress",
            &format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, \
                 spec: {{ports: [{{port: 80}}]}}}}\n{}",
                slice(name, "", &[pod])
            ),
        );
    }
    let ingress = |service: &str| {
        format!(
            "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: it}}
spec:
  rules:
    - host: ingress.test
      http:
        paths:
          - {{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}
"
        )
    };
    cluster.apply("ingress", &ingress("one"));
    await_answers(&setup, "ingress.test", &["one"]);
    cluster.apply("ingress", &ingress("two"));
    await_answers(&setup, "ingress.test", &["two"]);
    cluster.done(&["delete", "ingress", "it", "-n", "ingress"], "");
    eventually("the route is gone", || {
        (setup.curl("ingress.test", "/", &[]).status == 404).then_some(())
    });
}

#[test]
fn what_is_wrong_with_an_object_is_an_event_on_it() {
    let Some(cluster) = Cluster::shared() else { return };
    let _setup = start(cluster, "events", &[]);
    cluster.apply(
        "events",
        "
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: broken}
spec: {routes: [{match: Host(`app.test`), kind: Rule, services: [{name: nobody, port: 80}]}]}
",
    );
    let get = ["get", "events", "-n", "events", "--field-selector", "involvedObject.name=broken"];
    let one = "jsonpath={range .items[*]}{.type} {.reason} {.message}{'\\n'}{end}";
    let said = eventually("the Event is there", || {
        let said = cluster.done(&[&get[..], &["-o", one]].concat(), "");
        (!said.is_empty()).then_some(said)
    });
    let begin = "Warning ConfigurationError spec.routes[0].services[0]: Service events/nobody";
    assert!(said.starts_with(begin) && said.lines().count() == 1, "{said}");
    let said =
        cluster.done(&["describe", "ingressroutes.traefik.io", "broken", "-n", "events"], "");
    assert!(said.contains("Service events/nobody"), "{said}");
}

#[test]
fn an_ingress_says_where_it_is_reached() {
    let Some(cluster) = Cluster::shared() else { return };
    let address = "--providers.kubernetesingress.ingressendpoint.ip=192.0.2.7";
    let _setup = start(cluster, "status", &[address]);
    cluster.apply(
        "status",
        &format!(
            "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: it}}
spec:
  rules:
    - host: app.test
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: app, port: {{number: 80}}}}}}}}]}}
---
{{apiVersion: v1, kind: Service, metadata: {{name: app}}, spec: {{ports: [{{port: 80}}]}}}}
{}",
            slice("app", "", &[&cluster.pod("app", 80)])
        ),
    );
    let get = ["get", "ingress", "it", "-n", "status", "-o"];
    let address = "jsonpath={.status.loadBalancer.ingress[*].ip}";
    eventually("its address is there", || {
        (cluster.done(&[&get[..], &[address]].concat(), "") == "192.0.2.7").then_some(())
    });
}

#[test]
fn routes_outlive_the_api_server_and_what_changes_after_its_return_is_served() {
    let Some(cluster) = Cluster::start() else { return };
    // All namespaces, and all that the provider reads.
    let setup = cluster.rutter(&["--providers.kubernetescrd", "--providers.kubernetesingress"]);
    let (one, two) = (cluster.pod("one", 80), cluster.pod("two", 80));
    cluster.apply("default", &format!("{APP}{}", slice("app", "web", &[&one])));
    await_answers(&setup, "app.test", &["one"]);
    // Whatever it asked for, its roles gave.
    assert!(!setup.rutter.stdout().contains("(403 "), "{}", setup.rutter.stdout());
    cluster.stop_api_server();
    assert_eq!(setup.curl("app.test", "/", &[]).body, "one");
    eventually("it has noticed", || setup.rutter.stdout().contains("tried again").then_some(()));
    assert_eq!(setup.curl("app.test", "/", &[]).body, "one");
    cluster.start_api_server();
    assert_eq!(setup.curl("app.test", "/", &[]).body, "one");
    cluster.apply("default", &slice("app", "web", &[&two]));
    // After several failures the pause may be long.
    eventually_within(Duration::from_secs(90), "the change is served", || {
        (setup.curl("app.test", "/", &[]).body == "two").then_some(())
    });
}
