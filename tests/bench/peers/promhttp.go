// The same series with client_golang's registry and promhttp.
//
//	promhttp REPOSITORIES
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	repositories, err := strconv.Atoi(os.Args[1])
	if err != nil {
		os.Exit(2)
	}
	names := []string{"registry", "repo_namespace", "repo"}
	withStatus := append(append([]string{}, names...), "status")
	registry := prometheus.NewRegistry()
	builds := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "acr_builds_total", Help: "Builds finished."}, withStatus)
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "acr_build_duration_seconds", Help: "Durations of builds.",
		Buckets: []float64{10, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 7200},
	}, withStatus)
	registry.MustRegister(builds, durations)
	var gauges []*prometheus.GaugeVec
	for n := 0; n < 10; n++ {
		gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: fmt.Sprintf("acr_gauge_%d", n), Help: "A gauge of a repository."}, names)
		registry.MustRegister(gauge)
		gauges = append(gauges, gauge)
	}
	for i := 0; i < repositories; i++ {
		space := fmt.Sprintf("payments-platform-%d", i/50)
		repo := fmt.Sprintf("checkout-service-%d", i)
		for _, status := range []string{"success", "failed", "canceled", "other"} {
			builds.WithLabelValues("acr-prod", space, repo, status).Add(float64(100 + i*7919%5000))
		}
		histogram := durations.WithLabelValues("acr-prod", space, repo, "success")
		for n := 0; n < 20; n++ {
			histogram.Observe(float64((i + n*977) % 8000))
		}
		for _, gauge := range gauges {
			gauge.WithLabelValues("acr-prod", space, repo).Set(1732400000.123 + float64(i))
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	go http.Serve(listener, nil)
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
	}
}
