variable "alert_emails" {
  description = "Addresses that alerts are mailed to. None: no e-mail channel is made, and alerts are seen in the console alone."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "Each of alert_emails must be an e-mail address, like ops@example.org."
  }
}

variable "archive" {
  description = "Path of the functions' archive. Default: the one that `make package` left in build/."
  type        = string
  default     = null
}

variable "audit_schedule" {
  description = "When the audit compares calendar and lake, as cron in UTC. At least twice a day: the alert on a silent audit waits 23 hours, and half of that for a first one."
  type        = string
  default     = "0 */6 * * *"
  nullable    = false

  validation {
    condition     = can(regex("^(\\S+ ){4}\\S+$", var.audit_schedule))
    error_message = "audit_schedule must have five cron fields, like \"0 */6 * * *\"."
  }

  validation {
    condition     = !can(regex("^\\S+ [0-9]+ ", var.audit_schedule))
    error_message = "audit_schedule must name more than one hour, like \"0 */6 * * *\" or \"30 3,15 * * *\": with fewer than two audits a day, the alert on a silent audit fires on a healthy one."
  }
}

variable "bucket_name" {
  description = "Name of the lake's bucket, which is made here; bucket names are global. The functions' archive goes to BUCKET-source."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{1,54}[a-z0-9]$", var.bucket_name)) && !startswith(var.bucket_name, "goog") && !strcontains(var.bucket_name, "google")
    error_message = "bucket_name must have 3 to 56 of a-z, 0-9, - and _, with a letter or digit at either end, not begin with goog, and not contain google."
  }
}

variable "catalogue" {
  description = "Path of the catalogue that schedules are made from. Default: ingest/feeds.yaml, the one in the archive."
  type        = string
  default     = null
}

variable "contact" {
  description = "Address or page that sources find in the User-Agent of every request."
  type        = string
  default     = "https://github.com/lakefill/lakefill"
  nullable    = false

  validation {
    condition     = can(regex("^[!-~]([ -~]{0,198}[!-~])?$", var.contact))
    error_message = "contact must have 1 to 200 printable ASCII characters: an e-mail address or a page."
  }
}

variable "dispatch" {
  description = "Size of the dispatch function. Its memory holds the plan of the largest request."
  type = object({
    memory        = optional(string, "1Gi")
    cpu           = optional(string, "1")
    concurrency   = optional(number, 8)
    max_instances = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.dispatch.memory))
    error_message = "dispatch.memory must be like 512Mi or 1Gi."
  }

  validation {
    condition     = var.dispatch.concurrency >= 1 && var.dispatch.concurrency <= 1000 && var.dispatch.max_instances >= 1
    error_message = "dispatch.concurrency must be 1 to 1000, dispatch.max_instances at least 1."
  }

  validation {
    condition     = alltrue([for number in [var.dispatch.concurrency, var.dispatch.max_instances] : floor(number) == number])
    error_message = "dispatch.concurrency and dispatch.max_instances must be whole numbers."
  }

  validation {
    condition     = can(tonumber(var.dispatch.cpu)) && (var.dispatch.concurrency == 1 || try(tonumber(var.dispatch.cpu) >= 1, true))
    error_message = "dispatch.cpu must be a number of CPUs, and at least 1 where dispatch.concurrency is over 1."
  }
}

variable "invokers" {
  description = "Who may call dispatch, beside Cloud Scheduler: user:, group: or serviceAccount: members."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.invokers : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):.+$", member))])
    error_message = "Each of invokers must be a member like user:me@example.org, and never allUsers or allAuthenticatedUsers: whoever calls dispatch spends money."
  }
}

variable "keep_old_generations_days" {
  description = "Days that the old generation of a revised file is kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.keep_old_generations_days >= 1 && floor(var.keep_old_generations_days) == var.keep_old_generations_days
    error_message = "keep_old_generations_days must be a whole number from 1 on."
  }
}

variable "keep_runs_days" {
  description = "Days that the records of a run are kept. The audit looks back 36 hours."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.keep_runs_days >= 3 && floor(var.keep_runs_days) == var.keep_runs_days
    error_message = "keep_runs_days must be a whole number from 3 on."
  }
}

variable "max_delivery_attempts" {
  description = "Deliveries of a message before it goes to the dead-letter topic. Many, since a delivery that found no free instance counts as one."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100 && floor(var.max_delivery_attempts) == var.max_delivery_attempts
    error_message = "max_delivery_attempts must be a whole number from 5 to 100, as Pub/Sub takes them."
  }
}

variable "max_periods" {
  description = "Most periods that one request may name."
  type        = number
  default     = 200000
  nullable    = false

  validation {
    condition     = var.max_periods >= 1 && var.max_periods <= 10000000 && floor(var.max_periods) == var.max_periods
    error_message = "max_periods must be a whole number from 1 to 10000000."
  }
}

variable "notification_channels" {
  description = "Further channels that alerts go to, by id: projects/PROJECT/notificationChannels/NUMBER."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", id))])
    error_message = "Each of notification_channels must be projects/PROJECT/notificationChannels/NUMBER, as `gcloud alpha monitoring channels list` names them."
  }
}

variable "project_id" {
  description = "Project that everything is made in; its id, not its name or number."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's id: 6 to 30 of a-z, 0-9 and -, beginning with a letter."
  }
}

variable "region" {
  description = "Region of functions, bucket and schedule, like us-east1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region like us-east1, neither a zone nor a multi-region."
  }
}

variable "retry_backoff" {
  description = "Seconds between two deliveries of a message: from minimum, doubling, to maximum."
  type = object({
    minimum = optional(number, 30)
    maximum = optional(number, 600)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.retry_backoff.minimum >= 0 && var.retry_backoff.minimum <= var.retry_backoff.maximum && var.retry_backoff.maximum <= 600
    error_message = "retry_backoff must have 0 <= minimum <= maximum <= 600 seconds."
  }

  validation {
    condition     = alltrue([for seconds in values(var.retry_backoff) : floor(seconds) == seconds])
    error_message = "retry_backoff must have whole seconds."
  }
}

variable "runbook_url" {
  description = "Where the people who are paged read docs/runbook.md; alerts link to its sections."
  type        = string
  default     = "https://github.com/lakefill/lakefill/blob/main/docs/runbook.md"
  nullable    = false

  validation {
    condition     = can(regex("^https://\\S+$", var.runbook_url))
    error_message = "runbook_url must be an https:// address."
  }
}

variable "worker" {
  description = "Size of the worker function. max_instances x concurrency is how many files are asked of sources at a time, about: the politeness towards them."
  type = object({
    memory        = optional(string, "1Gi")
    cpu           = optional(string, "1")
    concurrency   = optional(number, 4)
    max_instances = optional(number, 2)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.worker.memory))
    error_message = "worker.memory must be like 512Mi or 1Gi."
  }

  # A transfer keeps below 100 MiB, whatever the size of its file (docs/performance.md).
  validation {
    condition     = try(tonumber(regex("^[0-9]+", var.worker.memory)) * (endswith(var.worker.memory, "Gi") ? 1024 : 1) >= 100 * (1 + var.worker.concurrency), true)
    error_message = "worker.memory must have 100 MiB for each of worker.concurrency transfers at a time, and 100 MiB more: raise it, or lower worker.concurrency."
  }

  validation {
    condition     = var.worker.concurrency >= 1 && var.worker.concurrency <= 1000 && var.worker.max_instances >= 1
    error_message = "worker.concurrency must be 1 to 1000, worker.max_instances at least 1."
  }

  validation {
    condition     = alltrue([for number in [var.worker.concurrency, var.worker.max_instances] : floor(number) == number])
    error_message = "worker.concurrency and worker.max_instances must be whole numbers."
  }

  validation {
    condition     = can(tonumber(var.worker.cpu)) && (var.worker.concurrency == 1 || try(tonumber(var.worker.cpu) >= 1, true))
    error_message = "worker.cpu must be a number of CPUs, and at least 1 where worker.concurrency is over 1."
  }
}
