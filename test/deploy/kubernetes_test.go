package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// cluster is what one base deploys, read strictly: a field that Kubernetes does not know is an error.
type cluster struct {
	pods     map[string]corev1.PodTemplateSpec // by the name of what runs them
	sets     map[string]appsv1.StatefulSet
	services map[string]corev1.Service
	budgets  map[string]policyv1.PodDisruptionBudget
	policies map[string]networkingv1.NetworkPolicy
	settings map[string]corev1.ConfigMap
}

func build(t *testing.T, base string) cluster {
	t.Helper()
	out, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).
		Run(filesys.MakeFsOnDisk(), filepath.Join(root, "deploy", "k8s", "base", base))
	require.NoError(t, err)
	c := cluster{
		map[string]corev1.PodTemplateSpec{},
		map[string]appsv1.StatefulSet{},
		map[string]corev1.Service{},
		map[string]policyv1.PodDisruptionBudget{},
		map[string]networkingv1.NetworkPolicy{},
		map[string]corev1.ConfigMap{},
	}
	for _, r := range out.Resources() {
		text, err := r.AsYAML()
		require.NoError(t, err)
		switch kind, name := r.GetKind(), r.GetName(); kind {
		case "StatefulSet":
			s := strict[appsv1.StatefulSet](t, text)
			c.sets[name], c.pods[name] = s, s.Spec.Template
			require.True(t, selects(s.Spec.Selector, s.Spec.Template.Labels), "%s does not select its own pods", name)
		case "Deployment":
			d := strict[appsv1.Deployment](t, text)
			c.pods[name] = d.Spec.Template
			require.True(t, selects(d.Spec.Selector, d.Spec.Template.Labels), "%s does not select its own pods", name)
		case "Service":
			c.services[name] = strict[corev1.Service](t, text)
		case "PodDisruptionBudget":
			c.budgets[name] = strict[policyv1.PodDisruptionBudget](t, text)
		case "NetworkPolicy":
			c.policies[name] = strict[networkingv1.NetworkPolicy](t, text)
		case "ConfigMap":
			c.settings[name] = strict[corev1.ConfigMap](t, text)
		default:
			t.Errorf("%s %s: this test does not know the kind", kind, name)
		}
	}
	return c
}

func strict[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	require.NoError(t, yaml.UnmarshalStrict(text, &v), "%s", text)
	return v
}

func selects(s *metav1.LabelSelector, l map[string]string) bool {
	sel, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && !sel.Empty() && sel.Matches(labels.Set(l))
}

func TestTheBasesDeployWhatTheyPromise(t *testing.T) {
	roles := build(t, "roles")
	require.ElementsMatch(t, []string{
		"ingestion", "sampling", "assembly", "logs", "anomaly", "diagnosis", "remediation", "gateway",
	}, keys(roles.pods))
	require.Equal(t, int32(3), *roles.sets["sampling"].Spec.Replicas, "a majority of voters survives the loss of one")
	for name, pod := range roles.pods {
		require.Equal(t, name, pod.Spec.Containers[0].Args[0], "the role is the command")
	}

	single := build(t, "single")
	require.Equal(t, []string{"triflow"}, keys(single.pods))
	require.Equal(t, int32(1), *single.sets["triflow"].Spec.Replicas)
}

func TestEveryPodIsRestrictedAndProbed(t *testing.T) {
	for _, base := range []string{"roles", "single"} {
		for name, pod := range build(t, base).pods {
			t.Run(base+"/"+name, func(t *testing.T) { checkPod(t, pod.Spec) })
		}
	}
}

// checkPod asks for what Kubernetes' restricted profile asks for, and for what a pod needs to stop without a loss.
func checkPod(t *testing.T, pod corev1.PodSpec) {
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	require.False(t, *pod.AutomountServiceAccountToken)
	require.Equal(t, int64(30), *pod.TerminationGracePeriodSeconds)
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
	require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
	require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
	require.False(t, c.Resources.Requests.Cpu().IsZero(), "cpu request")
	require.False(t, c.Resources.Requests.Memory().IsZero(), "memory request")
	require.False(t, c.Resources.Limits.Memory().IsZero(), "memory limit")

	names := map[string]bool{}
	for _, p := range c.Ports {
		require.Empty(t, validation.IsValidPortName(p.Name), p.Name)
		names[p.Name] = true
	}
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		require.NotNil(t, probe)
		require.True(t, names[probe.HTTPGet.Port.StrVal], "the probe's port %s is not open", probe.HTTPGet.Port.StrVal)
	}
	require.Equal(t, "/readyz", c.ReadinessProbe.HTTPGet.Path)
	require.Equal(t, "/healthz", c.LivenessProbe.HTTPGet.Path)
}

func TestEveryNameLeadsSomewhere(t *testing.T) {
	for _, base := range []string{"roles", "single"} {
		c := build(t, base)
		for name, s := range c.services {
			require.True(t, anyPod(c, func(p corev1.PodTemplateSpec) bool {
				return selects(&metav1.LabelSelector{MatchLabels: s.Spec.Selector}, p.Labels) && !slices.ContainsFunc(s.Spec.Ports, func(want corev1.ServicePort) bool {
					return !opens(p, want.TargetPort.StrVal)
				})
			}), "%s: service %s has no pod with its ports", base, name)
		}
		for name, b := range c.budgets {
			require.True(t, anyPod(c, func(p corev1.PodTemplateSpec) bool { return selects(b.Spec.Selector, p.Labels) }), "budget %s", name)
		}
		for name, n := range c.policies {
			for pod, p := range c.pods {
				require.True(t, selects(&n.Spec.PodSelector, p.Labels), "policy %s leaves %s open", name, pod)
			}
		}
		for name, set := range c.sets {
			require.Contains(t, c.services, set.Spec.ServiceName, name)
			require.Equal(t, set.Spec.VolumeClaimTemplates[0].Name, set.Spec.Template.Spec.Containers[0].VolumeMounts[0].Name)
		}
		for name, p := range c.pods {
			require.Contains(t, c.settings, p.Spec.Containers[0].EnvFrom[0].ConfigMapRef.Name, name)
		}
	}
}

func TestTheBinaryTakesEveryArgumentAndSettingOfTheManifests(t *testing.T) {
	b := compile(t)
	for _, base := range []string{"roles", "single"} {
		c := build(t, base)
		var help strings.Builder
		for _, p := range c.pods {
			args := p.Spec.Containers[0].Args
			require.Empty(t, b.takes(args), "%v", args)
			help.WriteString(b.help(args[0]))
			for _, v := range p.Spec.Containers[0].Env {
				require.Contains(t, b.help(args[0]), "$"+v.Name, "%s does not read this variable", args[0])
			}
		}
		for _, settings := range c.settings {
			for key := range settings.Data {
				require.Contains(t, help.String(), "$"+key, "%s: no role reads this variable", base)
			}
		}
	}
}

// A peer that is written wrong in the settings would only show when the pods run.
func TestThePeersInTheSettingsAreServicesWithThatPort(t *testing.T) {
	c := build(t, "roles")
	settings := c.settings[c.pods["gateway"].Spec.Containers[0].EnvFrom[0].ConfigMapRef.Name].Data
	for _, peer := range strings.Split(settings["TRIFLOW_PEER"], ";") {
		name, target, _ := strings.Cut(peer, "=")
		host, port, _ := strings.Cut(strings.TrimPrefix(target, "dns:///"), ":")
		require.Equal(t, name, host)
		require.True(t, slices.ContainsFunc(c.services[host].Spec.Ports, func(p corev1.ServicePort) bool {
			return fmt.Sprint(p.Port) == port
		}), "%s has no port %s", host, port)
	}
	voters := strings.Split(settings["TRIFLOW_SAMPLING_VOTERS"], ";")
	require.Len(t, voters, int(*c.sets["sampling"].Spec.Replicas))
	for i, voter := range voters {
		pod := fmt.Sprintf("sampling-%d", i)
		require.Equal(t, fmt.Sprintf("%s=%s.%s:7420", pod, pod, c.sets["sampling"].Spec.ServiceName), voter)
	}
}

// Two collectors of one name would be one sender to their receivers, and one witness to each other.
func TestEveryCollectorHasANameAndAnAddressOfItsOwn(t *testing.T) {
	c := build(t, "roles")
	set := c.sets["ingestion"]
	require.Equal(t, "None", c.services[set.Spec.ServiceName].Spec.ClusterIP)
	env := set.Spec.Template.Spec.Containers[0].Env
	require.Len(t, env, 1)
	require.Equal(t, "TRIFLOW_INGESTION_NAME", env[0].Name)
	require.Equal(t, "metadata.name", env[0].ValueFrom.FieldRef.FieldPath)
}

func TestTheImageIsOneBinaryWithoutAUserName(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy", "Dockerfile"))
	require.NoError(t, err)
	require.Contains(t, string(text), "\nFROM scratch\n")
	require.Contains(t, string(text), "\nUSER 65532:65532\n")
}

func anyPod(c cluster, ok func(corev1.PodTemplateSpec) bool) bool {
	return slices.ContainsFunc(keys(c.pods), func(name string) bool { return ok(c.pods[name]) })
}

func opens(p corev1.PodTemplateSpec, port string) bool {
	return slices.ContainsFunc(p.Spec.Containers[0].Ports, func(c corev1.ContainerPort) bool { return c.Name == port })
}

func keys[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return names
}
