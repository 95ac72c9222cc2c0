// The form that asks for an access token, and says that one was refused.

const element = (id) => document.getElementById(id);

export function askForToken(reason, isWrong, onToken) {
  const [form, field] = [element("sign-in"), element("token")];
  form.hidden = false;
  form.classList.toggle("is-wrong", isWrong);
  element("sign-in-reason").textContent = isWrong
    ? `This token was refused: ${reason}`
    : "This server asks for an access token.";
  field.value = "";
  field.focus();
  form.onsubmit = (event) => {
    event.preventDefault();
    form.hidden = true;
    onToken(field.value.trim());
    field.value = "";
  };
}

export function isAskingForToken() {
  return !element("sign-in").hidden;
}

export function hideSignIn() {
  element("sign-in").hidden = true;
}
