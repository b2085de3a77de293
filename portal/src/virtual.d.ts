// `virtual:texts`: made by vite.config.ts from src/locales; loads each part of each language by `language/part`.
declare module "virtual:texts" {
  const loaders: Record<string, () => Promise<{ default: object }>>;
  export default loaders;
}
declare module "@tabler/icons-react/dist/esm/defaultAttributes.mjs" {
  const attributes: { outline: object };
  export default attributes;
}
declare module "*.module.css" {
  const classes: Record<string, string>;
  export default classes;
}
