# One page for what the alerts watch, and for what pages nobody: revisions, throttling, push
# failures, latency, memory.

locals {
  run = "resource.type=\"cloud_run_revision\" resource.label.service_name=monitoring.regex.full_match(\"lakefill-(dispatch|worker)\")"

  # Each chart: its title, and its lines as [legend, filter, aligner, reducer, grouped by].
  charts = [
    {
      title = "Periods by outcome and feed"
      unit  = "1"
      lines = [for outcome in sort(local.outcomes) : [
        "${outcome} $${metric.labels.feed}",
        "metric.type=\"logging.googleapis.com/user/${google_logging_metric.periods[outcome].name}\" resource.type=\"cloud_run_revision\"",
        "ALIGN_DELTA", "REDUCE_SUM", ["metric.label.feed"],
      ]]
    },
    {
      title = "Revisions by feed"
      unit  = "1"
      lines = [[
        "$${metric.labels.feed}",
        "metric.type=\"logging.googleapis.com/user/${google_logging_metric.periods["revised"].name}\" resource.type=\"cloud_run_revision\"",
        "ALIGN_DELTA", "REDUCE_SUM", ["metric.label.feed"],
      ]]
    },
    {
      title = "Retries by reason (throttled: the source asks for less)"
      unit  = "1"
      lines = [[
        "$${metric.labels.feed} $${metric.labels.reason}",
        "metric.type=\"logging.googleapis.com/user/${google_logging_metric.periods["retry"].name}\" resource.type=\"cloud_run_revision\"",
        "ALIGN_DELTA", "REDUCE_SUM", ["metric.label.feed", "metric.label.reason"],
      ]]
    },
    {
      title = "Bytes of a period: from its source, in the lake"
      unit  = "By"
      lines = [for name in ["source_bytes", "stored_bytes"] : [
        "${name} $${metric.labels.feed}",
        "metric.type=\"logging.googleapis.com/user/${google_logging_metric.transfer[name].name}\" resource.type=\"cloud_run_revision\"",
        "ALIGN_DELTA", "REDUCE_MEAN", ["metric.label.feed"],
      ]]
    },
    {
      title = "Seconds of a transfer, 95th percentile"
      unit  = "s"
      lines = [[
        "$${metric.labels.feed}",
        "metric.type=\"logging.googleapis.com/user/${google_logging_metric.transfer["seconds"].name}\" resource.type=\"cloud_run_revision\"",
        "ALIGN_DELTA", "REDUCE_PERCENTILE_95", ["metric.label.feed"],
      ]]
    },
    {
      title = "Audits done"
      unit  = "1"
      lines = [[
        "audits",
        "metric.type=\"logging.googleapis.com/user/${google_logging_metric.audits.name}\" resource.type=\"cloud_run_revision\"",
        "ALIGN_DELTA", "REDUCE_SUM", [],
      ]]
    },
    {
      title = "Messages waiting, and dead letters"
      unit  = "1"
      lines = [for name in [google_pubsub_subscription.worker.name, google_pubsub_subscription.dead_letter.name] : [
        name,
        "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"${name}\"",
        "ALIGN_MAX", "REDUCE_SUM", [],
      ]]
    },
    {
      title = "Age of the oldest message"
      unit  = "s"
      lines = [[
        "oldest",
        "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"${google_pubsub_subscription.worker.name}\"",
        "ALIGN_MAX", "REDUCE_MAX", [],
      ]]
    },
    {
      title = "Forwarded to the dead-letter topic"
      unit  = "1"
      lines = [[
        "messages",
        "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"${google_pubsub_subscription.worker.name}\"",
        "ALIGN_DELTA", "REDUCE_SUM", [],
      ]]
    },
    {
      title = "Pushes by answer (all but ack are delivered again)"
      unit  = "1"
      lines = [[
        "$${metric.labels.response_class}",
        "metric.type=\"pubsub.googleapis.com/subscription/push_request_count\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"${google_pubsub_subscription.worker.name}\"",
        "ALIGN_DELTA", "REDUCE_SUM", ["metric.label.response_class"],
      ]]
    },
    {
      title = "Requests by answer (429: no free instance)"
      unit  = "1"
      lines = [[
        "$${resource.labels.service_name} $${metric.labels.response_code}",
        "metric.type=\"run.googleapis.com/request_count\" ${local.run}",
        "ALIGN_DELTA", "REDUCE_SUM", ["resource.label.service_name", "metric.label.response_code"],
      ]]
    },
    {
      title = "Latency, 95th percentile"
      unit  = "ms"
      lines = [[
        "$${resource.labels.service_name}",
        "metric.type=\"run.googleapis.com/request_latencies\" ${local.run}",
        "ALIGN_DELTA", "REDUCE_PERCENTILE_95", ["resource.label.service_name"],
      ]]
    },
    {
      title = "Memory, 99th percentile of what an instance has"
      unit  = "1"
      lines = [[
        "$${resource.labels.service_name}",
        "metric.type=\"run.googleapis.com/container/memory/utilizations\" ${local.run}",
        "ALIGN_DELTA", "REDUCE_PERCENTILE_99", ["resource.label.service_name"],
      ]]
    },
    {
      title = "Instances"
      unit  = "1"
      lines = [[
        "$${resource.labels.service_name}",
        "metric.type=\"run.googleapis.com/container/instance_count\" ${local.run}",
        "ALIGN_MAX", "REDUCE_SUM", ["resource.label.service_name"],
      ]]
    },
  ]

  overviews = [
    {
      title        = "Open incidents"
      incidentList = {} # of the whole project
    },
    {
      title = "Coverage, as each audit found it"
      logsPanel = {
        filter        = format(local.event_filter, "audit_feed")
        resourceNames = ["projects/${var.project_id}"]
      }
    },
  ]

  chart_widgets = [
    for chart in local.charts : {
      title = chart.title
      xyChart = {
        dataSets = [
          for line in chart.lines : {
            plotType       = "LINE"
            targetAxis     = "Y1"
            legendTemplate = line[0]
            timeSeriesQuery = {
              unitOverride = chart.unit
              timeSeriesFilter = {
                filter = line[1]
                aggregation = merge(
                  {
                    alignmentPeriod    = "300s"
                    perSeriesAligner   = line[2]
                    crossSeriesReducer = line[3]
                  },
                  { for key, fields in { groupByFields = line[4] } : key => fields if length(fields) > 0 },
                )
              }
            }
          }
        ]
      }
    }
  ]
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = "lakefill"
    mosaicLayout = {
      columns = 48
      # The API leaves zeros and empty lists out of its answer: written here, they would differ
      # for ever.
      tiles = [
        for index, widget in concat(local.overviews, local.chart_widgets) : merge(
          { width = 24, height = 12, widget = widget },
          { for key, value in { xPos = 24 * (index % 2), yPos = 12 * floor(index / 2) } : key => value if value > 0 },
        )
      ]
    }
  })
}
