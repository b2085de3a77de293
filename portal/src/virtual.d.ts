// `virtual:words/<language>` and `virtual:words/<language>/rest`: made by vite.config.ts from src/locales.
declare module "virtual:words/*" {
  const words: object;
  export default words;
}
declare module "@tabler/icons-react/dist/esm/defaultAttributes.mjs" {
  const attributes: { outline: object };
  export default attributes;
}
declare module "*.module.css" {
  const classes: Record<string, string>;
  export default classes;
}
