// Texts that are in a language what they are in English: terms of the specifications, names, and words that both have.
export const SAME: Record<string, string[]> = {
  all: ["ISO 8601, UTC", "ISO 8601（UTC）", "Readme", "{{ms}} ms", "{{ms}}ms", "–", "DN", "OpenID Connect", "Slack", "Webhook", "Webhooks", "REST API", "HTTP, CloudEvents", "HTTP，CloudEvents", "HTTP、CloudEvents", "Blob", "{{rate}}/s"],
  "de-DE": ["ISO 8601, in UTC", "Label", "Filter", "Mirrors", "Port", "Info", "Editor", "Banner", "Information", "Scopes", "Robot", "Pushes", "Name", "Pulls", "Tag", "Tags", "Digest", "Pull", "Entrypoint", "Labels", "Audit", "Blobs", "Server", "Version", "Jobs", "Job", "Scan", "Export", "Client", "(optional)", "Details", "Secret", "Logs", "Repository", "Maintainer", "Registry {{name}}", "Detail", "in", "Robots", "Administrator", "Format"],
  "fr-FR": ["image", "Label", "Signature · {{by}}", "Attestation · {{form}}", "Port", "Sources", "Machines", "Information", "Danger", "Scopes", "Action", "Pushes", "{{n}} pull", "{{n}} pulls", "{{n}} push", "{{n}} pushes", "Annotations", "Pulls", "Tag", "Tags", "Type", "Pull", "Labels", "Configuration", "Audit", "Purges", "Blobs", "Source", "Machine", "Version", "{{count}} pull", "{{count}} pulls", "Workers", "Message", "Export", "Client", "Actions", "Pages", "Page {{n}}", "Secret", "Description", "Page", "Public", "Quotas", "tags", "Menu", "Local", "Format"],
  "es-ES": ["Mirrors", "Editor", "Scopes", "Pushes", "{{n}} pull", "{{n}} pulls", "{{n}} push", "{{n}} pushes", "Color", "Pulls", "Tag", "Tags", "Digest", "Pull", "Blobs", "Error", "{{count}} pull", "{{count}} pulls", "Workers", "{{n}} byte", "{{n}} bytes", "tags", "General", "Local"],
  "pt-BR": ["Editor", "Pushes", "{{n}} pull", "{{n}} pulls", "{{n}} push", "{{n}} pushes", "Pulls", "Tag", "Tags", "Digest", "Pull", "Blobs", "{{count}} pull", "{{count}} pulls", "Jobs", "Workers", "Job", "{{n}} byte", "{{n}} bytes", "Logs", "tags", "Menu", "Local"],
  "tr-TR": ["{{count}} platform", "Platform", "Disk"],
  "zh-CN": ["Helm Chart"],
  "zh-TW": ["Helm Chart", "Registry", "Registry {{name}}"],
};
