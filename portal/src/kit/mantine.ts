// The parts of Mantine that we use: their styles one by one (a new part needs its line here), and our defaults.
import "@mantine/core/styles/baseline.css";
import "@mantine/core/styles/default-css-variables.css";
import "@mantine/core/styles/global.css";
import "@mantine/core/styles/UnstyledButton.css";
import "@mantine/core/styles/ScrollArea.css";
import "@mantine/core/styles/VisuallyHidden.css";
import "@mantine/core/styles/Paper.css";
import "@mantine/core/styles/Popover.css";
import "@mantine/core/styles/CloseButton.css";
import "@mantine/core/styles/Group.css";
import "@mantine/core/styles/Stack.css";
import "@mantine/core/styles/Loader.css";
import "@mantine/core/styles/Overlay.css";
import "@mantine/core/styles/ModalBase.css";
import "@mantine/core/styles/Modal.css";
import "@mantine/core/styles/Drawer.css";
import "@mantine/core/styles/Input.css";
import "@mantine/core/styles/InlineInput.css";
import "@mantine/core/styles/PasswordInput.css";
import "@mantine/core/styles/NumberInput.css";
import "@mantine/core/styles/Combobox.css";
import "@mantine/core/styles/Pill.css";
import "@mantine/core/styles/PillsInput.css";
import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Radio.css";
import "@mantine/core/styles/Switch.css";
import "@mantine/core/styles/SegmentedControl.css";
import "@mantine/core/styles/FloatingIndicator.css";
import "@mantine/core/styles/Button.css";
import "@mantine/core/styles/ActionIcon.css";
import "@mantine/core/styles/Menu.css";
import "@mantine/core/styles/Tooltip.css";
import "@mantine/core/styles/Skeleton.css";
import "@mantine/core/styles/Progress.css";
import "@mantine/core/styles/Notification.css";
import "@mantine/notifications/styles.css";
import "./tokens.css";
import "./base.css";
import outline from "@tabler/icons-react/dist/esm/defaultAttributes.mjs";
import { createTheme, type ActionIconProps, type ButtonProps, type CheckboxProps, type InputProps, type MantineColorScheme, type MantineColorSchemeManager, type MenuProps, type ModalProps, type DrawerProps, type RadioProps, type SegmentedControlProps, type SwitchProps, type TooltipProps } from "@mantine/core";

/** As `Menu.extend`, checked by its properties, and without the part itself: what the first page does not show is not loaded with the theme. */
const of = <P>(said: { defaultProps?: Partial<P>; vars?: (theme: unknown, props: P) => never }) => said as object;

// What an icon means is said by the words beside it or by the name of its button.
Object.assign(outline.outline, { "aria-hidden": true });

const small = { "--input-height": "32px", "--input-fz": "14px", "--input-bg": "var(--m-surface)" };
const outlined = { "--input-bd": "var(--m-outline)" }; // not over the colour of an error

export const theme = createTheme({
  primaryColor: "blue",
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Input: of<InputProps>({ vars: (_theme, props) => ({ wrapper: props.error ? small : { ...small, ...outlined } }) as never }),
    InputWrapper: { defaultProps: { inputWrapperOrder: ["label", "input", "description", "error"] }, classNames: { label: "field-label", description: "field-hint", error: "field-error" } },
    Button: of<ButtonProps>({ defaultProps: { radius: 4 }, vars: (_theme, props) => ({ root: { "--button-height": props.size === "xs" ? "28px" : "32px", "--button-fz": "14px", "--button-padding-x": props.size === "xs" ? "8px" : "12px" } }) as never }),
    ActionIcon: of<ActionIconProps>({ defaultProps: { variant: "subtle", color: "gray", radius: 4, size: 28 } }),
    Menu: of<MenuProps>({ defaultProps: { withInitialFocusPlaceholder: false, position: "bottom-end", shadow: "md", radius: 6, transitionProps: { duration: 120 } } }),
    ModalRoot: { defaultProps: { lockScroll: false, radius: 6, yOffset: "10vh", transitionProps: { duration: 160, transition: "fade" } } },
    DrawerRoot: { defaultProps: { lockScroll: false, transitionProps: { duration: 160 } } },
    Modal: of<ModalProps>({ defaultProps: { lockScroll: false, radius: 6, centered: false, yOffset: "10vh", transitionProps: { duration: 160, transition: "fade" } } }),
    Drawer: of<DrawerProps>({ defaultProps: { lockScroll: false, transitionProps: { duration: 160 } } }),
    Tooltip: of<TooltipProps>({ defaultProps: { openDelay: 300, interactive: true, events: { hover: true, focus: true, touch: false }, withArrow: false, multiline: true, maw: 360 } }),
    ComboboxChevron: { defaultProps: { "aria-hidden": true } },
    Checkbox: of<CheckboxProps>({ defaultProps: { size: "xs", radius: 3 } }),
    Radio: of<RadioProps>({ defaultProps: { size: "xs" } }),
    Switch: of<SwitchProps>({ defaultProps: { size: "sm" } }),
    SegmentedControl: of<SegmentedControlProps>({ defaultProps: { size: "xs", radius: 4 } }),
  },
});

const KEY = "moorage-theme";

/** The same place as the API explorer's, so that both pages look alike; nothing there: the system decides. */
export const themes: MantineColorSchemeManager = {
  get: (fallback) => (read() as MantineColorScheme | null) ?? fallback,
  set: (value) => {
    try {
      if (value === "auto") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, value);
    } catch { /* no storage: it holds for this page */ }
  },
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  clear: () => themes.set("auto"),
};

function read(): string | null {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : null;
  } catch {
    return null;
  }
}
