# What to put on a machine that does not exist yet: asked while planning, with the hardware that is going to be rented.
terraform {
  required_providers {
    http = {
      source  = "hashicorp/http"
      version = "~> 3.4"
    }
  }
}

variable "berth_url" {
  type    = string
  default = "http://127.0.0.1:8000"
}

variable "berth_token" {
  type      = string
  sensitive = true
}

data "http" "advice" {
  url    = "${var.berth_url}/api/v1/recommendations/"
  method = "POST"

  request_headers = {
    Content-Type  = "application/json"
    Authorization = "Bearer ${var.berth_token}"
  }

  request_body = <<-JSON
    {
      "hardware": {"accelerators": [{"name": "L40S", "count": 1}], "ram_bytes": 137438953472},
      "workload": {"use_case": "coding", "context": 32768, "concurrency": 4, "licence": "commercial"},
      "limit": 1,
      "rejected_limit": 0
    }
  JSON

  lifecycle {
    postcondition {
      condition     = self.status_code == 200 && length(jsondecode(self.response_body).results) == 1
      error_message = "Berth has no answer for this machine: ${self.response_body}"
    }
  }
}

output "model" {
  value = jsondecode(data.http.advice.response_body).results[0].model.hub_id
}

output "command" {
  value = jsondecode(data.http.advice.response_body).results[0].command
}

output "decision" {
  value = jsondecode(data.http.advice.response_body).decision
}
