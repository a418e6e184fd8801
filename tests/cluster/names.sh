# Sourced by hub.sh: writes the names of all services to a file that dnsmasq reads, and again whenever services or their endpoints change.
# shellcheck shell=bash disable=SC2154 # common.sh comes first
# A service's name stands for its address; that of a service without one for the addresses of its endpoints.
names() {
    local template kubectl=("$kubernetes/bin/kubectl" --kubeconfig "$run/pki/admin.kubeconfig" --cache-dir /run/kubectl get --all-namespaces)
    # shellcheck disable=SC2016 # the template's own variables
    template='{{range .items}}{{$one := .}}{{$name := printf "%s.%s.svc.'$cluster_domain'\n" .metadata.name .metadata.namespace}}
    {{- if eq .kind "Service"}}{{with .spec.clusterIP}}{{if ne . "None"}}{{.}} {{$name}}{{end}}{{end}}
    {{- else}}{{range $label, $_ := .metadata.labels}}{{if eq $label "service.kubernetes.io/headless"}}
    {{- range $one.subsets}}{{range .addresses}}{{.ip}} {{$name}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}'

    # The server ends a watch now and then.
    changes() { while true; do "${kubectl[@]}" "$1" --watch --output name || sleep 1; done; }
    { changes services & changes endpoints; } | while read -r _; do
        # Changes come in crowds, one for each pod: one look is for all that there are.
        sleep 0.5
        while read -rt 0.01 _; do :; done
        # dnsmasq overlooks a name that begins with a dot, and reads the new file when it is whole.
        if "${kubectl[@]}" services,endpoints --output "go-template=$template" > "$run/names/.new"; then mv "$run/names/.new" "$run/names/services"; fi
    done
}
