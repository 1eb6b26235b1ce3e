# The feeds as the functions see them, from the same file: an entry with `each` is one feed a
# value, named ENTRY-VALUE, with the value's keys over the entry's own.

locals {
  catalogue = coalesce(var.catalogue, "${path.module}/../ingest/feeds.yaml")
  entries   = yamldecode(file(local.catalogue))

  feeds = merge(
    { for name, entry in local.entries : name => entry if !can(entry.each) },
    [
      for name, entry in local.entries : {
        for value, overrides in values(entry.each)[0] :
        "${name}-${value}" => merge(entry, overrides)
      } if can(entry.each)
    ]...
  )

  # How long a period goes on after 00:00 UTC of the date that it is named by, at most: itself,
  # and a day for time zones in the west.
  period_lengths = { hour = "48h", day = "48h", week = "192h", month = "768h", year = "8808h" }

  # What Cloud Scheduler needs of a feed. yamldecode makes a timestamp of an unquoted date,
  # hence substr. A feed has ended once its last period is over; the audit fetches what
  # becomes due after that.
  scheduled_feeds = {
    for name, feed in local.feeds : name => {
      schedule = feed.schedule
      timezone = try(feed.timezone, "UTC")
      ended = !can(feed.last) ? false : timecmp(
        plantimestamp(),
        timeadd(
          "${substr(feed.last, 0, 10)}T00:00:00Z",
          try(feed.covers, "following") == "following" ? local.period_lengths[feed.cadence] : "24h",
        ),
      ) > 0
    } if try(feed.schedule, null) != null && try(feed.enabled, true)
  }
}
