import { IconTags } from "@tabler/icons-react";

export const icons = { "/admin/labels": IconTags };
