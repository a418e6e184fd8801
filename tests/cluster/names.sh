# Sourced by hub.sh: writes the names of all services to a file that dnsmasq reads, and again whenever services or their endpoints change.
# shellcheck shell=bash disable=SC2154 # common.sh comes first
# A service's name stands for its addresses, one of each family; that of a service without one for the addresses of its endpoints.
names() {
    local template kubectl=("$kubernetes/bin/kubectl" --kubeconfig "$run/pki/admin.kubeconfig" --cache-dir /run/kubectl get --all-namespaces)
    # shellcheck disable=SC2016 # the template's own variables
    template='{{range .items}}{{$one := .}}
    {{- if eq .kind "Service"}}{{range .spec.clusterIPs}}{{if ne . "None"}}{{.}} {{$one.metadata.name}}.{{$one.metadata.namespace}}.svc.'$cluster_domain'{{"\n"}}{{end}}{{end}}
    {{- else}}{{range $label, $_ := .metadata.labels}}{{if eq $label "service.kubernetes.io/headless"}}
    {{- range $one.endpoints}}{{if .conditions.ready}}{{range .addresses}}{{.}} {{index $one.metadata.labels "kubernetes.io/service-name"}}.{{$one.metadata.namespace}}.svc.'$cluster_domain'{{"\n"}}
    {{- end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}'

    # The server ends a watch now and then.
    changes() { while true; do "${kubectl[@]}" "$1" --watch --output name || sleep 1; done; }
    { changes services & changes endpointslices; } | while read -r _; do
        # Changes come in crowds, one for each pod: one look is for all that there are.
        sleep 0.5
        while read -rt 0.01 _; do :; done
        # dnsmasq overlooks a name that begins with a dot, and reads the new file when it is whole.
        if "${kubectl[@]}" services,endpointslices --output "go-template=$template" > "$run/names/.new"; then mv "$run/names/.new" "$run/names/services"; fi
    done
}
