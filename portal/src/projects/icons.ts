import { IconLayoutGrid } from "@tabler/icons-react";

export const icons = { "/projects": IconLayoutGrid };
