declare module "virtual:words/en-US" {
  const words: object;
  export default words;
}
declare module "virtual:words/zh-CN" {
  const words: object;
  export default words;
}
declare module "*.module.css" {
  const classes: Record<string, string>;
  export default classes;
}
