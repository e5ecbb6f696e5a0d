import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Button } from "./button.tsx";

export interface SubmitOptions {
  /** Whether all that is filled in could be sent. */
  isRight: boolean;
  isPending: boolean;
  /** Why the last try was refused. */
  error: unknown;
  send: () => void;
}

/** What every form does: it says what is wrong once one tries to send it, and takes the reader to the first field to correct. */
export function useSubmit({ isRight, isPending, error, send }: SubmitOptions) {
  const ref = useRef<HTMLFormElement>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (tries > 0 || error) ref.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [tries, error]);
  const submit = () => {
    if (isPending) return;
    setTries((before) => before + 1);
    if (isRight) send();
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    submit();
  };
  return { tried: tries > 0, submit, form: { ref, noValidate: true, onSubmit } };
}

export interface FormEndProps {
  /** What is wrong that no field says. */
  error: ReactNode;
  isPending: boolean;
  /** The button, also while it is pending. */
  label: ReactNode;
  /** Beside it, such as what was kept of the form. */
  children?: ReactNode;
}

/** The last line of a form. */
export function FormEnd({ error, isPending, label, children }: FormEndProps) {
  return (
    <div className="mt-2 flex flex-wrap items-center justify-end gap-3">
      {children}
      <div className="ml-auto" role="alert">
        {error !== "" && error !== undefined && <p className="text-bad text-sm">{error}</p>}
      </div>
      <Button disabled={isPending} focusableWhenDisabled look="primary" type="submit">
        {label}
      </Button>
    </div>
  );
}
